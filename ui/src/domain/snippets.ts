// Ready-made configuration text for clients, with the gateway's address and a placeholder for the key.
// Pure text: it never holds a key. Called by the Clients page and the first-run guide.

import type { Urls } from '../ipc/types';

export interface Snippet {
  id: string;
  name: string;
  /** Where the text belongs. */
  place: string;
  text: string;
}

export interface ClientCard {
  id: 'codex' | 'claude' | 'gemini' | 'sdk';
  name: string;
  snippets: Snippet[];
}

const root = (url: string) => url.replace(/\/(v1|v1beta)\/?$/, '').replace(/\/$/, '');

/** `KEY` stands for what the person pastes; shells read it from `SWITCHYARD_KEY`. */
export function clientCards(urls: Urls, model: string): ClientCard[] {
  const openai = `${root(urls.openai)}/v1`;
  const anthropic = root(urls.anthropic);
  const gemini = root(urls.gemini);
  return [
    {
      id: 'codex',
      name: 'Codex CLI',
      snippets: [
        {
          id: 'codex-toml',
          name: 'config.toml',
          place: '~/.codex/config.toml',
          text: `model = "${model}"
model_provider = "switchyard"

[model_providers.switchyard]
name = "Switchyard"
base_url = "${openai}"
env_key = "SWITCHYARD_KEY"
wire_api = "responses"
`,
        },
        { id: 'codex-run', name: 'Shell', place: '', text: `export SWITCHYARD_KEY=KEY\ncodex\n` },
      ],
    },
    {
      id: 'claude',
      name: 'Claude Code',
      snippets: [
        {
          id: 'claude-run',
          name: 'Shell',
          place: '',
          text: `export ANTHROPIC_BASE_URL=${anthropic}\nexport ANTHROPIC_AUTH_TOKEN=KEY\nclaude --model ${model}\n`,
        },
        {
          id: 'claude-json',
          name: 'settings.json',
          place: '~/.claude/settings.json',
          text: `{
  "env": {
    "ANTHROPIC_BASE_URL": "${anthropic}",
    "ANTHROPIC_AUTH_TOKEN": "KEY"
  }
}
`,
        },
      ],
    },
    {
      id: 'gemini',
      name: 'Gemini CLI',
      snippets: [
        {
          id: 'gemini-run',
          name: 'Shell',
          place: '',
          text: `export GOOGLE_GEMINI_BASE_URL=${gemini}\nexport GEMINI_API_KEY=KEY\ngemini -m ${model}\n`,
        },
        {
          id: 'gemini-json',
          name: 'settings.json',
          place: '~/.gemini/settings.json',
          text: `{\n  "security": { "auth": { "selectedType": "gemini-api-key" } }\n}\n`,
        },
      ],
    },
    {
      id: 'sdk',
      name: 'SDKs',
      snippets: [
        {
          id: 'sdk-py',
          name: 'Python',
          place: 'openai',
          text: `import os
from openai import OpenAI

client = OpenAI(
    base_url="${openai}",
    api_key=os.environ["SWITCHYARD_KEY"],
)
answer = client.responses.create(model="${model}", input="Hello")
print(answer.output_text)
`,
        },
        {
          id: 'sdk-js',
          name: 'JavaScript',
          place: 'openai',
          text: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${openai}",
  apiKey: process.env.SWITCHYARD_KEY,
});
const answer = await client.responses.create({ model: "${model}", input: "Hello" });
console.log(answer.output_text);
`,
        },
        {
          id: 'sdk-anthropic',
          name: 'Anthropic',
          place: 'Python: anthropic',
          text: `import os
from anthropic import Anthropic

client = Anthropic(
    base_url="${anthropic}",
    api_key=os.environ["SWITCHYARD_KEY"],
)
answer = client.messages.create(
    model="${model}",
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[-1].text)
`,
        },
        {
          id: 'sdk-google',
          name: 'Google',
          place: 'Python: google-genai',
          text: `import os
from google import genai

client = genai.Client(
    api_key=os.environ["SWITCHYARD_KEY"],
    http_options={"base_url": "${gemini}"},
)
answer = client.models.generate_content(model="${model}", contents="Hello")
print(answer.text)
`,
        },
        {
          id: 'sdk-google-js',
          name: 'Google JS',
          place: '@google/genai',
          text: `import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({
  apiKey: process.env.SWITCHYARD_KEY,
  httpOptions: { baseUrl: "${gemini}" },
});
const answer = await client.models.generateContent({ model: "${model}", contents: "Hello" });
console.log(answer.text);
`,
        },
        {
          id: 'sdk-curl',
          name: 'curl',
          place: '',
          text: `curl ${openai}/responses \\
  -H "Authorization: Bearer $SWITCHYARD_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"model":"${model}","input":"Hello"}'
`,
        },
      ],
    },
  ];
}
