// What every test of the openai package shares: the client under test and the hand on the simulated upstream.
// The Rust harness starts the gateway and sets the environment; see `tests/tests/clients.rs`.
import { test as nodeTest } from "node:test";
import OpenAI from "openai";

const { SWITCHYARD_URL, SWITCHYARD_KEY, SWITCHYARD_SIM } = process.env;
export const ROUTE = process.env.SWITCHYARD_ROUTE;
export const MODEL = process.env.SWITCHYARD_MODEL;
export const DIRECT = ROUTE.startsWith("direct");

// A test that waits for something that never comes ends here.
export const test = (name, ...rest) => {
  const body = rest.pop();
  return nodeTest(name, { timeout: 60_000, ...rest[0] }, body);
};

// A picture of one pixel.
export const PIXEL =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

// Every prompt carries a text that a search of logs and homes can find if it leaked.
export const prompt = (text) => `${text} (${process.env.SWITCHYARD_PROMPT_MARK})`;

// The library as a person would set it up, without retries of its own, which would hide failures.
export const newClient = (changes = {}) =>
  new OpenAI({ baseURL: `${SWITCHYARD_URL}/v1`, apiKey: SWITCHYARD_KEY, maxRetries: 0, timeout: 30_000, ...changes });

async function post(path, body = {}) {
  const answer = await fetch(SWITCHYARD_SIM + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

// The hand on the simulated upstream, which the Rust harness holds out over HTTP.
export const upstream = {
  // Replaces the accounts by a new healthy one: no cooldown of an earlier test is left.
  fresh: () => post("/fresh"),
  // What the upstream does with the next requests, one step each; then it answers normally again.
  script: (...steps) => post("/script", { steps }),
  // Lets a stream go on that a `gated` step holds.
  release: () => post("/release"),
  // Resolves when the upstream has seen its client go away in mid-stream.
  waitForDisconnect: () => post("/wait-for-disconnect"),
};

const schema = (properties) => ({
  type: "object",
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
});

export const CITY = schema({ name: { type: "string" }, inhabitants: { type: "integer" }, coastal: { type: "boolean" } });

const weather = { name: "get_weather", description: "Calls get_weather.", strict: true, parameters: schema({ city: { type: "string" } }) };
const time = { name: "get_time", description: "Calls get_time.", strict: true, parameters: schema({ zone: { type: "string" } }) };
export const CHAT_TOOLS = [weather, time].map((tool) => ({ type: "function", function: tool }));
export const RESPONSES_TOOLS = [weather, time].map((tool) => ({ type: "function", ...tool }));

export function assertCity(text, assert) {
  const city = JSON.parse(text);
  assert.equal(typeof city.name, "string");
  assert.ok(Number.isInteger(city.inhabitants));
  assert.equal(typeof city.coastal, "boolean");
}
