// The AI SDK with the providers of each dialect (F51, F75, F76, F79, F80).
import assert from "node:assert/strict";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateObject, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { assertCity, CITY, DIRECT, MODEL, prompt, test, upstream } from "./common.mjs";

const { SWITCHYARD_URL, SWITCHYARD_KEY: apiKey } = process.env;
// It does not know the models here, and says so at each request.
globalThis.AI_SDK_LOG_WARNINGS = false;
const baseURL = `${SWITCHYARD_URL}/v1`;
const openai = createOpenAI({ baseURL, apiKey });
const models = {
  "openai responses": openai.responses(MODEL),
  "openai chat": openai.chat(MODEL),
  compatible: createOpenAICompatible({ name: "switchyard", baseURL, apiKey, supportsStructuredOutputs: true })(MODEL),
  anthropic: createAnthropic({ baseURL, apiKey })(MODEL),
  google: createGoogleGenerativeAI({ baseURL: `${SWITCHYARD_URL}/v1beta`, apiKey })(MODEL),
};
const weather = (seen) =>
  tool({
    description: "Tells the weather.",
    inputSchema: jsonSchema({ type: "object", properties: { city: { type: "string" } }, required: ["city"] }),
    execute: async (input) => {
      seen.push(input);
      return "hail-7731";
    },
  });

for (const [name, model] of Object.entries(models)) {
  const common = { model, maxRetries: 0 };

  test(`${name}: text`, async () => {
    const { text, usage, finishReason } = await generateText({ ...common, system: "Be brief.", prompt: prompt("say:lighthouse") });
    assert.match(text, /lighthouse/);
    assert.equal(finishReason, "stop");
    assert.ok(usage.outputTokens > 0);
  });

  test(`${name}: streamed text`, async () => {
    const stream = streamText({ ...common, prompt: prompt("say:lighthouse") });
    let text = "";
    for await (const piece of stream.textStream) text += piece;
    assert.match(text, /lighthouse/);
    assert.equal(await stream.finishReason, "stop");
  });

  for (const streamed of [false, true]) {
    test(`${name}: a tool round trip${streamed ? " (streamed)" : ""}`, async () => {
      const seen = [];
      const request = { ...common, prompt: prompt("What is the weather?"), tools: { get_weather: weather(seen) }, stopWhen: stepCountIs(3) };
      let text;
      if (streamed) text = await streamText(request).text;
      else ({ text } = await generateText(request));
      assert.equal(seen.length, 1);
      assert.equal(typeof seen[0].city, "string");
      assert.match(text, /hail-7731/);
    });
  }

  test(`${name}: an object`, async () => {
    const { object } = await generateObject({ ...common, schema: jsonSchema(CITY), prompt: prompt("Describe a city as JSON.") });
    assertCity(JSON.stringify(object), assert);
  });

  if (!DIRECT) {
    test(`${name}: a cut in mid-stream is seen`, async () => {
      await upstream.fresh();
      await upstream.script({ step: "cut_after", events: 40 });
      const errors = [];
      const stream = streamText({ ...common, prompt: prompt("long:2000"), onError: ({ error }) => errors.push(error) });
      const reason = await stream.consumeStream().then(() => stream.finishReason).catch(() => "error");
      assert.ok(errors.length > 0 || reason === "error", `finish reason ${reason}`);
      assert.notEqual(reason, "stop");
      await upstream.fresh();
    });
  }
}
