// The error classes that programs rely on (F39, F51, F57, translation B5), and the model list (F81).
import assert from "node:assert/strict";
import { after, beforeEach } from "node:test";
import OpenAI from "openai";
import { DIRECT, MODEL, newClient, prompt, ROUTE, test, upstream } from "./common.mjs";

const client = newClient();
const ask = (dialect, { from = client, model = MODEL, stream = false } = {}) => {
  const text = prompt("long:2000");
  return dialect === "chat"
    ? from.chat.completions.create({ model, stream, messages: [{ role: "user", content: text }] })
    : from.responses.create({ model, stream, input: text });
};
const read = async (stream) => {
  const events = [];
  for await (const event of stream) events.push(event);
  return events;
};

beforeEach(() => upstream.fresh());
after(() => upstream.fresh());

for (const dialect of ["chat", "responses"]) {
  for (const stream of [false, true]) {
    const how = `${dialect}${stream ? " (streamed)" : ""}`;

    test(`${how}: a bad key is 401`, async () => {
      const from = newClient({ apiKey: "sk-not-the-key" });
      await assert.rejects(ask(dialect, { from, stream }), (error) => {
        assert.ok(error instanceof OpenAI.AuthenticationError, String(error));
        assert.equal(error.code, "invalid_api_key");
        return true;
      });
    });

    test(`${how}: an unknown model is 404`, async () => {
      await assert.rejects(ask(dialect, { model: "no-such-model", stream }), (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError, String(error));
        assert.equal(error.code, "model_not_found");
        return true;
      });
    });

    test(`${how}: exhausted accounts are 429`, async () => {
      await upstream.script(...Array(4).fill({ step: "usage_limit", seconds: 600 }));
      await assert.rejects(ask(dialect, { stream }), OpenAI.RateLimitError);
    });

    test(`${how}: failing accounts are 5xx`, async () => {
      await upstream.script(...Array(4).fill({ step: "http500" }));
      await assert.rejects(ask(dialect, { stream }), OpenAI.InternalServerError);
    });
  }

  // Without a gateway in between there is no gateway behaviour to see.
  for (const step of DIRECT ? [] : ["cut_after", "failed_after"]) {
    test(`${dialect}: ${step} in mid-stream is seen`, async () => {
      await upstream.script({ step, events: 40 });
      const stream = await ask(dialect, { stream: true });
      if (dialect === "responses" && step === "failed_after" && ["codex", "relay-responses"].includes(ROUTE)) {
        // The upstream speaks the same dialect: its own last word is passed on, and to the package it is an event.
        const events = await read(stream);
        assert.ok(["response.failed", "error"].includes(events.at(-1).type));
        return;
      }
      await assert.rejects(read(stream), OpenAI.APIError);
    });
  }
}

test("models", async () => {
  const models = await client.models.list();
  assert.ok(models.data.some((model) => model.id === MODEL));
  assert.equal((await client.models.retrieve(MODEL)).id, MODEL);
  await assert.rejects(client.models.retrieve("no-such-model"), OpenAI.NotFoundError);
});
