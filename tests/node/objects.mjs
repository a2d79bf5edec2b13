// What is no chat, with the official Node SDK: each case returns plain data.
import OpenAI, { toFile } from "openai";

export class Objects {
  constructor(job) {
    this.job = job;
    this.client = new OpenAI({ baseURL: job.base, apiKey: job.key, maxRetries: 0 });
  }

  async file(purpose = "batch") {
    const file = await toFile(Buffer.from(this.job.bytes, "base64"), "any.jsonl");
    return this.client.files.create({ file, purpose });
  }

  async files() {
    const made = await this.file("user_data");
    const got = await this.client.files.retrieve(made.id);
    const content = Buffer.from(await (await this.client.files.content(made.id)).arrayBuffer());
    const gone = await this.client.files.delete(made.id);
    return { id: made.id, same: got.id === made.id, size: got.bytes, content: content.toString("base64"), gone: gone.deleted };
  }

  async batch() {
    const file = await this.file();
    const made = await this.client.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    await this.client.batches.retrieve(made.id);
    const done = await this.client.batches.retrieve(made.id);
    const output = await (await this.client.files.content(done.output_file_id)).text();
    return { status: done.status, same: done.id === made.id && done.input_file_id === file.id, output };
  }

  async image() {
    const made = await this.client.images.generate({ model: this.job.model, prompt: "a gateway" });
    return { image: made.data[0].b64_json };
  }

  async speech() {
    const said = await this.client.audio.speech.create({ model: this.job.model, voice: "alloy", input: "say it" });
    return { sound: Buffer.from(await said.arrayBuffer()).toString("base64"), type: said.headers.get("content-type") };
  }

  async transcription() {
    const file = await toFile(Buffer.from(this.job.bytes, "base64"), "a.mp3");
    const stream = await this.client.audio.transcriptions.create({ model: this.job.model, file, stream: true });
    const got = { text: "", done: "" };
    for await (const event of stream) {
      got.text += event.delta ?? "";
      got.done = event.text ?? got.done;
    }
    return got;
  }

  async moderation() {
    const judged = await this.client.moderations.create({ model: this.job.model, input: "words" });
    return { flagged: judged.results[0].flagged, model: judged.model };
  }

  async stranger() {
    await this.client.files.retrieve(this.job.id);
    return {};
  }
}
