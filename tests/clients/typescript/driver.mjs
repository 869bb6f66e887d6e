// Drive a server with the official TypeScript clients. The command line and the line printed are those of
// ../python2/dialogue.py, with one argument more: --sdk v1 (@modelcontextprotocol/sdk, legacy only) or v2
// (@modelcontextprotocol/client, both eras). The clients keep their defaults, above all their time-outs.

import { appendFileSync } from "node:fs";
import { access, rename, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const APPROVAL_KEY = "ringfence/approval";
const GO_POLL_MS = 50;
const GO_LONGEST_MS = 240_000;
const MODES = { legacy: "legacy", auto: "auto", modern: { pin: "2026-07-28" } };
const WORDS = { list: 1, call: 3, approve: 3, steps: 2 };

function usage(message) {
  process.stderr.write(`driver.mjs: ${message}\n`);
  process.exit(2);
}

function parse(words) {
  const split = words.indexOf("--");
  const options = {
    sdk: "v2", era: undefined, url: undefined, bearer: undefined, env: {}, scenario: [], progress: false,
    go: undefined, pending: undefined, claimTool: "ringfence__claim", answer: undefined, events: undefined,
    command: split < 0 ? [] : words.slice(split + 1),
  };
  const rest = split < 0 ? [...words] : words.slice(0, split);
  const value = (name) => rest.shift() ?? usage(`${name} needs a value`);
  while (rest.length > 0) {
    const name = rest.shift();
    if (name === "--sdk") options.sdk = value(name);
    else if (name === "--era") options.era = value(name);
    else if (name === "--url") options.url = value(name);
    else if (name === "--bearer") options.bearer = value(name);
    else if (name === "--go") options.go = value(name);
    else if (name === "--pending") options.pending = value(name);
    else if (name === "--claim-tool") options.claimTool = value(name);
    else if (name === "--answer") options.answer = JSON.parse(value(name));
    else if (name === "--events") options.events = value(name);
    else if (name === "--progress") options.progress = true;
    else if (name === "--env") {
      const [key, ...text] = value(name).split("=");
      options.env[key] = text.join("=");
    } else if (name === "--scenario") {
      while (rest.length > 0 && !rest[0].startsWith("--")) options.scenario.push(rest.shift());
    } else usage(`unknown argument ${name}`);
  }
  if (!["v1", "v2"].includes(options.sdk)) usage("--sdk is v1 or v2");
  if (options.era !== undefined && !(options.era in MODES)) usage("--era is legacy, modern or auto");
  if (WORDS[options.scenario[0]] !== options.scenario.length) usage("--scenario is: list | call NAME JSON | approve NAME JSON | steps JSON");
  if ((options.url === undefined) === (options.command.length === 0)) usage("give either --url or, after --, a command");
  return options;
}

async function load(sdk) {
  if (sdk === "v1") {
    const { Client } = await import("@modelcontextprotocol/sdk/client/index.js");
    const { StreamableHTTPClientTransport } = await import("@modelcontextprotocol/sdk/client/streamableHttp.js");
    const { StdioClientTransport, getDefaultEnvironment } = await import("@modelcontextprotocol/sdk/client/stdio.js");
    const { ElicitRequestSchema } = await import("@modelcontextprotocol/sdk/types.js");
    return { Client, StreamableHTTPClientTransport, StdioClientTransport, getDefaultEnvironment, elicitation: ElicitRequestSchema };
  }
  const { Client, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  const { StdioClientTransport, getDefaultEnvironment } = await import("@modelcontextprotocol/client/stdio");
  return { Client, StreamableHTTPClientTransport, StdioClientTransport, getDefaultEnvironment, elicitation: "elicitation/create" };
}

async function connect(options) {
  if (options.sdk === "v1" && options.era === "modern") throw new Error("sdk v1 does not speak the modern era");
  const sdk = await load(options.sdk);
  // No era given: the client's own default, which is legacy.
  const negotiation = options.sdk === "v2" && options.era ? { versionNegotiation: { mode: MODES[options.era] } } : {};
  const capabilities = options.answer ? { capabilities: { elicitation: { form: {} } } } : {};
  const client = new sdk.Client({ name: "driver", version: "0" }, { ...negotiation, ...capabilities });
  if (options.answer) {
    client.setRequestHandler(sdk.elicitation, async (request) => {
      heard(options, "question", request.params.message);
      return { action: "accept", content: options.answer };
    });
  }
  const headers = options.bearer ? { Authorization: `Bearer ${options.bearer}` } : {};
  const transport = options.url
    ? new sdk.StreamableHTTPClientTransport(new URL(options.url), { requestInit: { headers } })
    : new sdk.StdioClientTransport({
        command: options.command[0],
        args: options.command.slice(1),
        env: { ...sdk.getDefaultEnvironment(), ...options.env },
      });
  // Version 1 tells the negotiated revision only to its transport, and its stdio transport has no use for it.
  let told;
  if (options.sdk === "v1" && !options.url) transport.setProtocolVersion = (version) => { told = version; };
  await client.connect(transport);
  const version = options.sdk === "v2" ? client.getNegotiatedProtocolVersion() : (transport.protocolVersion ?? told);
  return { client, transport, version };
}

function answer(result) {
  return {
    is_error: result.isError === true,
    text: result.content.filter((block) => block.type === "text").map((block) => block.text).join("\n"),
    structured: result.structuredContent ?? null,
    meta: result._meta ?? {},
  };
}

async function appears(path) {
  const end = performance.now() + GO_LONGEST_MS;
  while (performance.now() < end) {
    const there = await access(path).then(() => true, () => false);
    if (there) return;
    await sleep(GO_POLL_MS);
  }
  throw new Error(`${path} did not appear`);
}

function heard(options, ...event) {
  if (options.events) appendFileSync(options.events, `${JSON.stringify(event)}\n`);
}

// The two generations differ in where the options stand.
function request(client, options, params, settings) {
  return options.sdk === "v1" ? client.callTool(params, undefined, settings) : client.callTool(params, settings);
}

async function list(client) {
  const { tools } = await client.listTools();
  return Object.fromEntries(tools.map((tool) => [tool.name, tool.inputSchema]));
}

async function walk(client, options, report) {
  report.steps = [];
  for (const [place, step] of JSON.parse(options.scenario[1]).entries()) {
    if (step === "list") {
      report.tools = await list(client);
      continue;
    }
    heard(options, "call", place);
    const aborting = new AbortController();
    const onprogress = ({ progress, total, message }) => {
      report.progress += 1;
      heard(options, "progress", progress, total ?? null, message ?? null);
    };
    const params = { name: step.tool, arguments: step.arguments };
    const call = request(client, options, params, { onprogress, signal: aborting.signal }).then(answer, (failure) => {
      if (!aborting.signal.aborted) throw failure;
      return "cancelled";
    });
    if (step.cancel) {
      // A call that ends before is not the dialogue that was asked for.
      await Promise.race([appears(step.cancel), call]);
      aborting.abort("no longer wanted");
    }
    report.steps.push(await call);
  }
}

async function hold(client, options, report) {
  const [verb, name, text] = options.scenario;
  if (verb === "list") {
    report.tools = await list(client);
    return;
  }
  if (verb === "steps") {
    await walk(client, options, report);
    return;
  }
  const settings = options.progress ? { onprogress: () => { report.progress += 1; } } : undefined;
  const call = async (tool, given) => answer(await request(client, options, { name: tool, arguments: given }, settings));
  report.result = await call(name, JSON.parse(text));
  const pending = report.result.meta[APPROVAL_KEY];
  if (verb === "call" || !report.result.is_error || pending === undefined) return;
  report.pending = pending;
  if (options.pending) {
    await writeFile(`${options.pending}.part`, JSON.stringify(pending));
    await rename(`${options.pending}.part`, options.pending);
  }
  if (options.go) await appears(options.go);
  report.claimed = await call(options.claimTool, { ticket: pending.approval_id });
}

const options = parse(process.argv.slice(2));
const report = { driver: `typescript-${options.sdk}`, progress: 0 };
try {
  const { client, transport, version } = await connect(options);
  if (version !== undefined) report.protocol_version = version;
  try {
    await hold(client, options, report);
  } finally {
    // A legacy client that only closes leaves its session behind on the server.
    if (transport.sessionId !== undefined) await transport.terminateSession();
    await client.close();
  }
} catch (failure) {
  report.error = `${failure.name}: ${failure.message}`;
}
process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.error === undefined ? 0 : 1;
