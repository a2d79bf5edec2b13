// The Node clients, each brought to one shape: plain, stream, tools, schema, embed, leave. What they return is plain data.
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { embedMany, generateText, jsonSchema, Output, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";
import { Objects } from "./objects.mjs";

const QUESTION = "hi";
const WEATHER = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" } },
  required: ["city", "days"],
  additionalProperties: false,
};
const PERSON = {
  type: "object",
  properties: { name: { type: "string" }, age: { type: "integer" } },
  required: ["name", "age"],
  additionalProperties: false,
};
const ANYTHING = { type: "object", properties: {}, additionalProperties: true };

// ------------------------------------------------------------------ the official SDK

class Official {
  constructor(job) {
    this.model = job.model;
    this.client = new OpenAI({ baseURL: job.base, apiKey: job.key, maxRetries: job.retries ?? 0 });
    this.messages = [{ role: "user", content: QUESTION }];
  }

  ask(more = {}, options = {}) {
    return this.client.chat.completions.create({ model: this.model, messages: this.messages, ...more }, options);
  }

  async plain() {
    const { data, request_id } = await this.ask().withResponse();
    return { text: data.choices[0].message.content, finish: data.choices[0].finish_reason, usage: usageOf(data.usage), request_id };
  }

  async stream(tools = undefined) {
    const chunks = await this.ask({ stream: true, stream_options: { include_usage: true }, ...(tools && { tools }) });
    const got = { text: "", finish: null, usage: null, usages: 0, calls: [] };
    for await (const chunk of chunks) {
      this.fold(got, chunk);
    }
    return got;
  }

  fold(got, chunk) {
    if (chunk.usage) {
      got.usages += 1;
      got.usage = usageOf(chunk.usage);
    }
    for (const choice of chunk.choices) {
      got.text += choice.delta.content ?? "";
      got.finish = choice.finish_reason ?? got.finish;
      for (const part of choice.delta.tool_calls ?? []) {
        const call = (got.calls[part.index] ??= { id: "", name: "", arguments: "" });
        call.id += part.id ?? "";
        call.name += part.function?.name ?? "";
        call.arguments += part.function?.arguments ?? "";
      }
    }
  }

  parallel() {
    return this.stream(["f", "g"].map((name) => ({ type: "function", function: { name, parameters: ANYTHING } })));
  }

  async tools() {
    const tools = [{ type: "function", function: { name: "weather", parameters: WEATHER, strict: true } }];
    const first = (await this.ask({ tools })).choices[0];
    const call = first.message.tool_calls[0];
    this.messages.push(first.message, { role: "tool", tool_call_id: call.id, content: "sun" });
    const second = (await this.ask({ tools })).choices[0];
    return { call: JSON.parse(call.function.arguments), finish: first.finish_reason, text: second.message.content };
  }

  async schema() {
    const response_format = { type: "json_schema", json_schema: { name: "person", schema: PERSON, strict: true } };
    const said = await this.client.chat.completions.parse({ model: this.model, messages: this.messages, response_format });
    return { object: said.choices[0].message.parsed };
  }

  async embed() {
    const got = await this.client.embeddings.create({ model: this.model, input: ["a", "b"] });
    return { vectors: got.data.map((one) => Array.from(one.embedding)) };
  }

  async leave() {
    const chunks = await this.ask({ stream: true });
    for await (const chunk of chunks) {
      if (chunk.choices[0]?.delta.content) break;
    }
    return {};
  }

  async leave_early() {
    await this.ask({}, { timeout: 400 });
    return { answered: true };
  }
}

function usageOf(usage) {
  return usage && [usage.prompt_tokens, usage.completion_tokens, usage.total_tokens];
}

// ------------------------------------------------------------------ the Vercel AI SDK, over either provider package

class Vercel {
  constructor(job, provider, chat) {
    this.job = job;
    this.provider = provider;
    this.options = { model: chat, prompt: QUESTION, maxRetries: job.retries ?? 0 };
  }

  async plain() {
    const got = await generateText(this.options);
    return { text: got.text, finish: got.finishReason, usage: tokensOf(got.usage) };
  }

  async stream(tools = undefined) {
    const got = { text: "", finish: null, usage: null, usages: 0, calls: [] };
    for await (const part of streamText({ ...this.options, tools, onError: () => {} }).fullStream) {
      if (part.type === "error") throw part.error;
      if (part.type === "text-delta") got.text += part.text;
      if (part.type === "tool-call") {
        if (part.invalid) throw part.error;
        got.calls.push({ id: part.toolCallId, name: part.toolName, arguments: JSON.stringify(part.input) });
      }
      if (part.type === "finish") Object.assign(got, { finish: part.finishReason, usage: tokensOf(part.totalUsage), usages: 1 });
    }
    return got;
  }

  parallel() {
    return this.stream({ f: tool({ inputSchema: jsonSchema(ANYTHING) }), g: tool({ inputSchema: jsonSchema(ANYTHING) }) });
  }

  async tools() {
    const seen = [];
    const execute = async (input) => (seen.push(input), "sun");
    const tools = { weather: tool({ inputSchema: jsonSchema(WEATHER), execute }) };
    const got = await generateText({ ...this.options, tools, stopWhen: stepCountIs(3) });
    return { call: seen[0], finish: got.steps[0].finishReason, text: got.text };
  }

  async schema() {
    const got = await generateText({ ...this.options, output: Output.object({ schema: jsonSchema(PERSON) }) });
    return { object: got.output };
  }

  async embed() {
    const model = this.provider.embeddingModel(this.job.model);
    const got = await embedMany({ model, values: ["a", "b"], maxRetries: this.options.maxRetries });
    return { vectors: got.embeddings };
  }

  async leave() {
    const abort = new AbortController();
    const asked = streamText({ ...this.options, abortSignal: abort.signal, onError: () => {} });
    for await (const part of asked.fullStream) {
      if (part.type === "error") throw part.error;
      if (part.type === "text-delta") abort.abort();
    }
    return {};
  }

  async leave_early() {
    await generateText({ ...this.options, abortSignal: AbortSignal.timeout(400) });
    return { answered: true };
  }
}

function tokensOf(usage) {
  return usage?.totalTokens === undefined ? null : [usage.inputTokens, usage.outputTokens, usage.totalTokens];
}

export const clients = {
  openai: (job) => new Official(job),
  objects: (job) => new Objects(job),
  "ai-openai": (job) => {
    const provider = createOpenAI({ baseURL: job.base, apiKey: job.key });
    return new Vercel(job, provider, provider.chat(job.model));
  },
  "ai-compatible": (job) => {
    const options = { name: "gateway", baseURL: job.base, apiKey: job.key, includeUsage: true, supportsStructuredOutputs: true };
    const provider = createOpenAICompatible(options);
    return new Vercel(job, provider, provider.chatModel(job.model));
  },
};
