// The SDK asks for base64 unasked and decodes whatever comes as if it were.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.env.BASE + "/v1", apiKey: process.env.KEY, maxRetries: 0 });
const reply = await client.embeddings.create({ model: process.env.MODEL, input: ["a", "b"] });
console.log(JSON.stringify(reply.data.map((row) => Array.from(row.embedding))));
