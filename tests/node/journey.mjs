// Reads jobs as JSON from standard input, runs them, prints their results as JSON in the same order.
//
//   job      {id, client, case, model, base, key, retries?}
//   result   {ok: true, ...what the case returns} or {ok: false, error, status, message, code}
import { clients } from "./clients.mjs";

const TOGETHER = 6;
globalThis.AI_SDK_LOG_WARNINGS = false;

async function run(job) {
  try {
    return { ok: true, ...(await clients[job.client](job)[job.case]()) };
  } catch (error) {
    return failure(error);
  }
}

function failure(error) {
  const cause = error?.lastError ?? error;
  return {
    ok: false,
    error: cause?.name === "Error" || !cause?.name ? (cause?.constructor?.name ?? typeof cause) : cause.name,
    type: cause?.constructor?.name ?? typeof cause,
    status: cause?.status ?? cause?.statusCode ?? null,
    code: cause?.code ?? null,
    message: cause?.message ?? JSON.stringify(cause),
  };
}

async function input() {
  let text = "";
  for await (const piece of process.stdin.setEncoding("utf8")) text += piece;
  return JSON.parse(text);
}

const jobs = await input();
const results = new Array(jobs.length);
let next = 0;

async function work() {
  while (next < jobs.length) {
    const place = next++;
    results[place] = await run(jobs[place]);
  }
}

await Promise.all(Array.from({ length: TOGETHER }, work));
process.stdout.write(JSON.stringify(results));
