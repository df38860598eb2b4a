// Drives the model server with the vendors' own clients and prints what they understood, as JSON.
//   node clients.mjs FOLDER SCENARIO        FOLDER has their node_modules
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [folder, scenario] = process.argv.slice(2);
const require = createRequire(join(folder, 'here.js'));
const Anthropic = require('@anthropic-ai/sdk');
const OpenAI = require('openai');

const anthropic = new Anthropic({ apiKey: 'sk-ant-test', baseURL: process.env.ANTHROPIC_BASE_URL });
const openai = new OpenAI({ apiKey: 'sk-test', baseURL: process.env.OPENAI_BASE_URL });

const schema = { type: 'object', properties: { path: { type: 'string' } }, required: ['path'] };
const describe = (name) => `Does ${name}`;
const names = ['read_file', 'list_files'];
const result = (name) => `result of ${name}`;

/** What a client threw, as the program that called it sees it. */
async function thrown(action) {
  try {
    return { value: await action() };
  } catch (error) {
    const { status, type, code, message } = error;
    return { error: error.constructor.name, status, type, code, message };
  }
}

/** One call of the Messages API; streamed, with the texts as they came. */
async function messages(stream, body) {
  if (!stream) return { message: await anthropic.messages.create(body) };
  const deltas = [];
  const thoughts = [];
  const events = anthropic.messages.stream(body);
  events.on('text', (delta) => deltas.push(delta));
  events.on('thinking', (delta) => thoughts.push(delta));
  return { message: await events.finalMessage(), deltas, thoughts };
}

async function messagesRound(stream, text) {
  const body = {
    model: 'claude-sonnet-5-5',
    max_tokens: 1000,
    system: 'You are terse.',
    thinking: { type: 'adaptive' },
    tools: names.map((name) => ({ name, description: describe(name), input_schema: schema })),
    messages: [{ role: 'user', content: text }],
  };
  const first = await messages(stream, body);
  body.messages.push({ role: 'assistant', content: first.message.content });
  const calls = first.message.content.filter((block) => block.type === 'tool_use');
  body.messages.push({
    role: 'user',
    content: calls.map((call) => ({
      type: 'tool_result',
      tool_use_id: call.id,
      content: result(call.name),
    })),
  });
  const second = await messages(stream, body);
  return { first, second, requestId: first.message._request_id };
}

/** One call of Chat Completions. */
async function chat(stream, body) {
  if (!stream) return { completion: await openai.chat.completions.create(body) };
  const deltas = [];
  const options = { include_usage: true, include_obfuscation: false };
  const events = openai.chat.completions.stream({ ...body, stream_options: options });
  events.on('content', (delta) => deltas.push(delta));
  return { completion: await events.finalChatCompletion(), deltas };
}

async function chatRound(stream, text) {
  const body = {
    model: 'gpt-6.1-sol',
    tools: names.map((name) => ({
      type: 'function',
      function: { name, description: describe(name), parameters: schema },
    })),
    messages: [
      { role: 'developer', content: 'You are terse.' },
      { role: 'user', content: text },
    ],
  };
  const first = await chat(stream, body);
  const { message } = first.completion.choices[0];
  body.messages.push(message);
  for (const call of message.tool_calls) {
    const content = result(call.function.name);
    body.messages.push({ role: 'tool', tool_call_id: call.id, content });
  }
  const second = await chat(stream, body);
  return { first, second, requestId: first.completion._request_id };
}

/** One call of Responses. */
async function respond(stream, body) {
  if (!stream) return { response: await openai.responses.create(body) };
  const deltas = [];
  const kinds = [];
  const sequence = [];
  let response;
  for await (const event of await openai.responses.create({ ...body, stream: true })) {
    kinds.push(event.type);
    sequence.push(event.sequence_number);
    if (event.type === 'response.output_text.delta') deltas.push(event.delta);
    if (event.type === 'response.completed') response = event.response;
  }
  return { response, deltas, kinds, sequence };
}

async function respondRound(stream, text) {
  const body = {
    model: 'gpt-6.1-sol',
    instructions: 'You are terse.',
    store: false,
    include: ['reasoning.encrypted_content'],
    reasoning: { effort: 'low', summary: 'auto' },
    tools: names.map((name) => ({
      type: 'function',
      name,
      description: describe(name),
      parameters: schema,
      strict: false,
    })),
    input: [{ role: 'user', content: text }],
  };
  const first = await respond(stream, body);
  body.input.push(...first.response.output);
  for (const item of first.response.output.filter((item) => item.type === 'function_call')) {
    const output = result(item.name);
    body.input.push({ type: 'function_call_output', call_id: item.call_id, output });
  }
  const second = await respond(stream, body);
  return { first, second, requestId: first.response._request_id };
}

const hello = (text) => [{ role: 'user', content: text }];
const messagesBody = (text) => ({
  model: 'claude-sonnet-5-5',
  max_tokens: 100,
  messages: hello(text),
});
const chatBody = (text) => ({ model: 'gpt-6.1-sol', messages: hello(text) });
const respondBody = (text) => ({
  model: 'gpt-6.1-sol',
  store: false,
  include: ['reasoning.encrypted_content'],
  input: text,
});

/** The same texts on each wire: what a call that fails in this way looks like to its caller. */
async function failing(text) {
  return {
    anthropic: await thrown(() => messages(true, messagesBody(`${text} anthropic`))),
    chat: await thrown(() => chat(true, chatBody(`${text} chat`))),
    responses: await thrown(() => respond(true, respondBody(`${text} responses`))),
  };
}

const scenarios = {
  messages: () => messagesRound(false, 'round anthropic'),
  'messages-stream': () => messagesRound(true, 'round anthropic'),
  chat: () => chatRound(false, 'round chat'),
  'chat-stream': () => chatRound(true, 'round chat'),
  responses: () => respondRound(false, 'round responses'),
  'responses-stream': () => respondRound(true, 'round responses'),
  failing: async () => {
    const seen = {};
    for (const text of ['limited', 'refused', 'broken', 'cut', 'full']) {
      seen[text] = await failing(text);
    }
    return seen;
  },
  others: async () => {
    const anthropicModels = [];
    for await (const model of anthropic.models.list()) anthropicModels.push(model.id);
    const openaiModels = [];
    for await (const model of openai.models.list()) openaiModels.push(model.id);
    const { max_tokens, ...body } = messagesBody('How long is this?');
    const tokens = await anthropic.messages.countTokens(body);
    return { anthropicModels, openaiModels, tokens };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
