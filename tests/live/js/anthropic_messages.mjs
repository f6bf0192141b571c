// A whole message, and a count of tokens.
import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: process.env.BASE, apiKey: process.env.KEY, maxRetries: 0 });
const messages = [{ role: "user", content: "ping" }];
const { data, request_id } = await client.messages
  .create({ model: process.env.MODEL, max_tokens: 64, messages })
  .withResponse();
const counted = await client.messages.countTokens({ model: process.env.MODEL, messages });
const text = data.content[0].text;
console.log(JSON.stringify({ text, model: data.model, stop: data.stop_reason, request_id, counted: counted.input_tokens }));
