// The chat as people use it: two browsers, connections that are cut, nodes that are killed.
//
//     NODE_PATH=… node chat.cjs --chat BINARY --browser /usr/bin/chromium [--redis /usr/bin/redis-server] --out DIR

"use strict";

const assert = require("node:assert/strict");
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const path = require("node:path");
const readline = require("node:readline");
const { parseArgs } = require("node:util");
const { chromium } = require("playwright-core");

const { values: args } = parseArgs({
  options: { chat: { type: "string" }, browser: { type: "string" }, redis: { type: "string" }, out: { type: "string" } },
});
const PATIENCE = 20_000;
const children = new Set();
/** What must not happen in any page. */
const troubles = [];
let passed = 0;
let failed = 0;

async function step(name, work) {
  try {
    await work();
    passed += 1;
    console.log(`  ok   ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`  FAIL ${name}: ${error.message}`);
  }
}

/** Waits until `look` gives this. */
async function eventually(look, expected) {
  const end = Date.now() + PATIENCE;
  for (;;) {
    const seen = await look();
    try {
      return assert.deepEqual(seen, expected);
    } catch (error) {
      if (Date.now() > end) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

// Servers.

function run(name, binary, options) {
  const log = fs.createWriteStream(path.join(args.out, `${name}.log`));
  const child = spawn(binary, options, { stdio: ["ignore", "pipe", "pipe"] });
  child.stderr.pipe(log);
  children.add(child);
  child.ended = new Promise(resolve => child.on("exit", (code, signal) => resolve(code ?? signal)));
  child.ended.then(() => children.delete(child));
  return child;
}

/** A node of the chat, and its port. */
async function node(name, ...options) {
  const child = run(name, args.chat, ["--listen", "127.0.0.1:0", ...options]);
  for await (const line of readline.createInterface(child.stdout)) {
    const found = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line);
    if (found) {
      child.stdout.resume();
      return { port: Number(found[1]), child };
    }
  }
  throw new Error(`${name} did not start`);
}

/** What stands before the nodes as a load balancer does. It can be sent elsewhere, cut, and closed. */
class Balancer {
  static async to(target) {
    const balancer = new Balancer();
    balancer.target = target;
    balancer.open = true;
    balancer.sockets = new Set();
    balancer.server = net.createServer(client => {
      if (!balancer.open) return client.destroy();
      const server = net.connect(balancer.target, "127.0.0.1");
      for (const [from, to] of [[client, server], [server, client]]) {
        balancer.sockets.add(from);
        from.on("error", () => {});
        from.on("close", () => {
          balancer.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise(resolve => balancer.server.listen(0, "127.0.0.1", resolve));
    balancer.origin = `http://127.0.0.1:${balancer.server.address().port}`;
    return balancer;
  }

  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}

// People.

/** Somebody with a browser profile of their own. */
class Person {
  static async comes(browser, name, origin, options = {}) {
    const person = new Person();
    person.name = name;
    person.context = await browser.newContext(options);
    person.page = await person.context.newPage();
    person.page.setDefaultTimeout(PATIENCE);
    person.page.on("pageerror", error => troubles.push(`${name}: ${error}`));
    person.page.on("dialog", dialog => troubles.push(`${name}: a dialog: ${dialog.message()}`));
    person.page.on("console", message => {
      if (message.type() === "error" && !/WebSocket connection to/.test(message.text())) troubles.push(`${name}: ${message.text()}`);
    });
    person.page.on("request", request => {
      if (!request.url().startsWith(origin)) troubles.push(`${name}: a request for ${request.url()}`);
    });
    await person.page.goto(origin);
    await person.page.getByRole("textbox", { name: "Your name" }).fill(name);
    await person.page.getByRole("button", { name: "Join" }).click();
    await person.isConnected();
    return person;
  }

  isConnected() {
    return this.page.getByText("Connected", { exact: true }).waitFor();
  }

  async says(...lines) {
    const field = this.page.getByRole("textbox", { name: "Message" });
    for (const line of lines) {
      await field.fill(line);
      await field.press("Enter");
    }
  }

  /** The lines that the server has confirmed, as this one sees them. */
  lines() {
    return this.page.$$eval(".log:not([hidden]) .line:not(.pending, .failed) p", items => items.map(item => item.textContent));
  }

  members() {
    return this.page.$$eval("#here .name", items => items.map(item => item.textContent).sort());
  }

  /** The number of lines in each state. */
  count(state) {
    return this.page.locator(`.log:not([hidden]) .line.${state}`).count();
  }
}

const numbered = (word, count) => Array.from({ length: count }, (_, number) => `${word} ${number}`);

// The scripts.

async function onOneNode(browser) {
  let { port, child } = await node("chat");
  const balancer = await Balancer.to(port);
  const { origin } = balancer;
  let ada;
  let grace;
  const lines = [];

  await step("policy allows the page nothing but its own files and server", async () => {
    const response = await fetch(origin);
    const policy = response.headers.get("content-security-policy");
    assert.match(policy, /default-src 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:/);
    assert.equal(response.headers.get("x-content-type-options"), "nosniff");
  });
  await step("two browsers see each other come", async () => {
    ada = await Person.comes(browser, "Ada", origin);
    grace = await Person.comes(browser, "Grace", origin);
    for (const person of [ada, grace]) await eventually(() => person.members(), ["Ada", "Grace"]);
  });
  await step("lines arrive at both, with their author", async () => {
    await ada.says("hello, Grace");
    await eventually(() => grace.lines(), ["hello, Grace"]);
    await grace.says("hello, Ada", "grüße 🦀");
    lines.push("hello, Grace", "hello, Ada", "grüße 🦀");
    for (const person of [ada, grace]) await eventually(() => person.lines(), lines);
    assert.deepEqual(await ada.page.$$eval(".line .who .name", names => names.map(name => name.textContent)), ["Ada", "Grace", "Grace"]);
  });
  await step("hostile names and lines are shown as text", async () => {
    const name = "<b onclick=a()>Eve</b>";
    const text = `<script>alert(1)</script><img src=x onerror="alert(2)"><a href="javascript:alert(3)">x</a>`;
    const eve = await Person.comes(browser, name, origin);
    await eventually(() => ada.members(), [name, "Ada", "Grace"].sort());
    await eve.says(text);
    lines.push(text);
    for (const person of [ada, grace, eve]) await eventually(() => person.lines(), lines);
    for (const person of [ada, eve]) assert.equal(await person.page.locator("#app :is(script, #logs img, #logs a, #here b)").count(), 0);
    await eve.context.close();
    await eventually(() => ada.members(), ["Ada", "Grace"]);
  });
  await step("names with the same letters are told apart by a mark", async () => {
    const other = await Person.comes(browser, "ada", origin);
    await eventually(() => grace.page.locator("#here .twin .mark:visible").count(), 2);
    await other.context.close();
  });
  await step("reload shows the history and asks for no name", async () => {
    await grace.page.reload();
    await grace.isConnected();
    await eventually(() => grace.lines(), lines);
    await eventually(() => ada.members(), ["Ada", "Grace"]);
  });
  await step("cut connection loses nothing and doubles nothing", async () => {
    balancer.open = false;
    balancer.cut();
    await ada.page.getByText(/Again in|Offline|Connecting/).waitFor();
    await ada.says("written while away", "and another");
    assert.equal(await ada.count("pending"), 2);
    await ada.page.getByText("2 to send").waitFor();
    balancer.open = true;
    lines.push("written while away", "and another");
    for (const person of [ada, grace]) await eventually(() => person.lines(), lines);
    assert.equal(await ada.count("pending"), 0);
  });
  await step("connections cut again and again lose nothing and double nothing", async () => {
    const said = [];
    for (let round = 0; round < 5; round++) {
      // In the middle of what both of them say.
      const words = [numbered(`ada ${round}`, 3), numbered(`grace ${round}`, 3)];
      await Promise.all([ada.says(...words[0]), grace.says(...words[1]), new Promise(resolve => setTimeout(resolve, round * 15)).then(() => balancer.cut())]);
      said.push(...words.flat());
      for (const person of [ada, grace]) await person.isConnected();
    }
    for (const person of [ada, grace]) {
      await eventually(async () => (await person.lines()).length, lines.length + said.length);
      assert.deepEqual((await person.lines()).slice(lines.length).sort(), [...said].sort());
      assert.equal((await person.count("pending")) + (await person.count("failed")), 0);
    }
    assert.deepEqual(await ada.lines(), await grace.lines());
  });
  await step("rooms are apart, and unread lines are counted", async () => {
    await ada.page.getByRole("textbox", { name: "Name of another room" }).fill("Rust Talk");
    await ada.page.getByRole("button", { name: "Join the room" }).click();
    await ada.page.getByRole("heading", { name: "rust-talk" }).waitFor();
    await eventually(() => ada.members(), ["Ada"]);
    await ada.says("nobody hears this");
    await eventually(() => ada.lines(), ["nobody hears this"]);
    await grace.says("are you there?");
    await ada.page.getByLabel("1 unread").waitFor();
    await ada.page.getByRole("link", { name: "lobby" }).click();
    await eventually(async () => (await ada.lines()).at(-1), "are you there?");
    assert.ok(!(await grace.lines()).includes("nobody hears this"));
  });
  await step("flood is limited: lines are refused, and can be sent again", async () => {
    const eve = await Person.comes(browser, "Eve", origin);
    await eve.says(...numbered("flood", 35));
    await eve.page.getByText("too many lines at once").first().waitFor();
    await eventually(() => eve.count("pending"), 0);
    const refused = await eve.count("failed");
    assert.ok(refused >= 5, `${refused} refused`);
    await eve.page.waitForTimeout(1500);
    await eve.page.getByRole("button", { name: "Send again" }).first().click();
    await eventually(() => eve.count("failed"), refused - 1);
    await eve.context.close();
  });
  await step("flood past the page ends its connection with 1008, and nobody else's", async () => {
    const code = await ada.page.evaluate(
      () =>
        new Promise(resolve => {
          const socket = new WebSocket(new URL("ws", location.href).href.replace("http", "ws"));
          socket.onopen = () => {
            for (let number = 0; number < 300; number++) socket.send('{"type":"ping"}');
          };
          socket.onclose = close => resolve(`${close.code} ${close.reason}`);
        }),
    );
    assert.equal(code, "1008 too many messages");
    await ada.says("still here");
    await eventually(async () => (await grace.lines()).at(-1), "still here");
  });
  await step("phone: everything can be reached, nothing is wider than the screen", async () => {
    const phone = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 2, hasTouch: true, isMobile: true, reducedMotion: "reduce" };
    const lin = await Person.comes(browser, "Lin", origin, phone);
    await eventually(async () => (await lin.lines()).at(-1), "still here");
    await lin.says("On the train, but I read along. This line is long enough to need a second one, and perhaps a third.");
    await eventually(() => lin.count("pending"), 0);
    const width = () => lin.page.evaluate(() => document.documentElement.scrollWidth);
    assert.equal(await width(), 390);
    await lin.page.screenshot({ path: path.join(args.out, "phone.png") });
    await lin.page.getByRole("button", { name: "Rooms and people" }).click();
    await lin.page.getByRole("link", { name: "lobby" }).waitFor();
    await lin.page.screenshot({ path: path.join(args.out, "phone-side.png") });
    await lin.page.keyboard.press("Escape");
    await lin.page.locator("#shade").waitFor({ state: "hidden" });
    await lin.page.emulateMedia({ colorScheme: "dark" });
    await lin.page.screenshot({ path: path.join(args.out, "phone-dark.png") });
    await ada.page.screenshot({ path: path.join(args.out, "wide.png") });
    await ada.page.emulateMedia({ colorScheme: "dark" });
    await ada.page.screenshot({ path: path.join(args.out, "wide-dark.png") });
    await lin.context.close();
  });
  await step("server that stops says when to come back, and is found again", async () => {
    balancer.open = false;
    child.kill("SIGTERM");
    assert.equal(await child.ended, 0);
    await ada.page.getByText(/Again in|Offline|Connecting/).waitFor();
    await ada.says("for the new one");
    ({ port, child } = await node("chat-again"));
    Object.assign(balancer, { target: port, open: true });
    // It has kept its history in memory alone, and says so.
    for (const person of [ada, grace]) {
      await eventually(() => person.lines(), ["for the new one"]);
      await person.page.locator(".log:not([hidden]) .note").waitFor();
    }
  });
  for (const person of [ada, grace]) await person?.context.close();
  child.kill();
}

async function onTwoNodes(browser) {
  const port = await new Promise(resolve => {
    const server = net.createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
  const dir = fs.mkdtempSync(path.join(args.out, "redis-"));
  const startRedis = () => {
    const options = { port, bind: "127.0.0.1", dir, save: "", appendonly: "yes", appendfsync: "always" };
    const child = run("redis", args.redis, Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]));
    child.stdout.resume();
    return child;
  };
  let server = startRedis();
  const redis = ["--redis", `redis://127.0.0.1:${port}/`];
  const [first, second] = await Promise.all([node("node-1", ...redis), node("node-2", ...redis)]);
  const balancers = [await Balancer.to(first.port), await Balancer.to(second.port)];
  const lines = [];
  let ada;
  let grace;

  await step("two nodes: people see and hear each other", async () => {
    ada = await Person.comes(browser, "Ada", balancers[0].origin);
    grace = await Person.comes(browser, "Grace", balancers[1].origin);
    for (const person of [ada, grace]) await eventually(() => person.members(), ["Ada", "Grace"]);
    await ada.says("from the first");
    await eventually(() => grace.lines(), ["from the first"]);
    await grace.says("from the second");
    lines.push("from the first", "from the second");
    for (const person of [ada, grace]) await eventually(() => person.lines(), lines);
  });
  await step("two nodes: a killed one loses nothing and doubles nothing, its people go on with the other", async () => {
    balancers[0].open = false;
    first.child.kill("SIGKILL");
    await first.child.ended;
    await ada.page.getByText(/Again in|Offline|Connecting/).waitFor();
    await grace.says("did you hear that?");
    await eventually(async () => (await grace.lines()).at(-1), "did you hear that?");
    await ada.says("I was away");
    Object.assign(balancers[0], { target: second.port, open: true });
    lines.push("did you hear that?", "I was away");
    for (const person of [ada, grace]) await eventually(() => person.lines(), lines);
    for (const person of [ada, grace]) await eventually(() => person.members(), ["Ada", "Grace"]);
  });
  await step("two nodes: lines arrive once although Redis is killed, or say that they have not", async () => {
    server.kill("SIGKILL");
    await server.ended;
    await ada.says("without a server");
    await grace.says("nor here");
    server = startRedis();
    await eventually(async () => {
      for (const { page } of [ada, grace]) {
        const again = page.getByRole("button", { name: "Send again" });
        if (await again.count()) await again.first().click();
      }
      return (await ada.count("pending")) + (await grace.count("pending")) + (await ada.count("failed")) + (await grace.count("failed"));
    }, 0);
    for (const person of [ada, grace]) {
      const seen = async () => (await person.lines()).slice(lines.length).sort();
      await eventually(seen, ["nor here", "without a server"]);
      assert.deepEqual((await person.lines()).slice(0, lines.length), lines);
    }
  });
  await step("two nodes: somebody who was on the killed one and stays away is gone after a while", async () => {
    const third = await node("node-3", ...redis);
    const lone = await Balancer.to(third.port);
    const eve = await Person.comes(browser, "Eve", lone.origin);
    await eventually(() => grace.members(), ["Ada", "Eve", "Grace"]);
    lone.open = false;
    third.child.kill("SIGKILL");
    await eventually(() => grace.members(), ["Ada", "Grace"]);
    await eve.context.close();
    lone.server.close();
  });
}

async function main() {
  fs.mkdirSync(args.out, { recursive: true });
  const browser = await chromium.launch({
    executablePath: args.browser,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
  });
  await onOneNode(browser);
  if (args.redis) await onTwoNodes(browser);
  await step("no page had an error, a dialog, or a request for somebody else", () => assert.deepEqual(troubles, []));
  await browser.close();
}

process.on("exit", () => children.forEach(child => child.kill("SIGKILL")));
process.on("SIGTERM", () => process.exit(143));
main()
  .catch(error => {
    failed += 1;
    console.log(`  FAIL ${error.stack}`);
  })
  .then(() => {
    console.log(`${passed} passed, ${failed} failed`);
    process.exit(failed === 0 ? 0 : 1);
  });
