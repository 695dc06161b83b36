// Embeddings through the packages of both vendors, each over accounts of its own API and of the other's (F78, F80).
import assert from "node:assert/strict";
import { GoogleGenAI } from "@google/genai";
import { DIRECT, MODEL, newClient, prompt, test } from "./common.mjs";

const { SWITCHYARD_URL, SWITCHYARD_KEY, SWITCHYARD_ROUTE } = process.env;
const google = new GoogleGenAI({ apiKey: SWITCHYARD_KEY, httpOptions: { baseUrl: SWITCHYARD_URL } });
const openai = newClient();
const able = ["relay-chat", "relay-gemini"].includes(SWITCHYARD_ROUTE);
const VECTOR = [0.25, -0.5];

if (able) {
  test("openai asks for base64 by itself", async () => {
    const answer = await openai.embeddings.create({ model: MODEL, input: [prompt("a"), prompt("b")] });
    assert.deepEqual(answer.data.map((one) => Array.from(one.embedding)), [VECTOR, VECTOR]);
    assert.equal(answer.model, MODEL);
  });

  test("openai with floats", async () => {
    const answer = await openai.embeddings.create({ model: MODEL, input: prompt("a"), encoding_format: "float" });
    assert.deepEqual(answer.data[0].embedding, VECTOR);
  });

  test("google, one and several", async () => {
    const one = await google.models.embedContent({ model: MODEL, contents: prompt("a") });
    assert.deepEqual(one.embeddings.map(({ values }) => values), [VECTOR]);
    const contents = [prompt("a"), prompt("b")];
    const several = await google.models.embedContent({ model: MODEL, contents, config: { outputDimensionality: 2 } });
    assert.deepEqual(several.embeddings.map(({ values }) => values), [VECTOR, VECTOR]);
  });
} else if (!DIRECT) {
  test("without an account that can", async () => {
    await assert.rejects(openai.embeddings.create({ model: MODEL, input: prompt("a") }), { status: 404, code: "embeddings_not_set_up" });
    await assert.rejects(google.models.embedContent({ model: MODEL, contents: prompt("a") }), { status: 404 });
  });
}
