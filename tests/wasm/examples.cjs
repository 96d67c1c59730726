// The examples for pages: `anywhere` in a page and in a terminal, and `wasm-chat` with the server of the chat.

"use strict";

const { execFileSync } = require("node:child_process");
const net = require("node:net");

/** What a page may weigh, in bytes after gzip. */
const BUDGETS = { "wasm-chat": 100_000, anywhere: 60_000 };

exports.run = async ({ browser, step, serve, args, origin, peer, assert, fs, path, zlib, PATIENCE }) => {
  await step("one function says the same in a page and in a terminal", async () => {
    const url = `ws://${peer}/echo`;
    const page = await browser.newPage();
    await page.goto(`${origin}/anywhere.html#${url}`);
    const log = page.locator("#log");
    await log.getByText(/closed with/).waitFor({ timeout: PATIENCE });
    const seen = await log.textContent();
    assert.equal(seen, execFileSync(args.anywhere, [url], { encoding: "utf8", timeout: PATIENCE }));
    assert.match(seen, /closed with Some\(1000\)/);
    await page.close();
  });
  for (const [name, budget] of Object.entries(BUDGETS)) {
    await step(`${name} keeps to its budget`, async () => {
      const size = file => zlib.gzipSync(fs.readFileSync(path.join(args.pages, file)), { level: 9 }).length;
      const [code, glue] = [size(`${name}_bg.wasm`), size(`${name}.js`)];
      console.log(`       ${code} bytes of code and ${glue} of JavaScript, after gzip`);
      assert.ok(code + glue <= budget, `${code + glue} bytes, ${budget} are allowed`);
    });
  }
  await chat({ browser, step, serve, args, assert, path, PATIENCE });
};

/** The same function as above, in the other browser. */
exports.runInFirefox = async ({ page, step, args, origin, peer, assert, inTime, PATIENCE }) => {
  await step("one function says the same in a page and in a terminal (Firefox)", async () => {
    const url = `ws://${peer}/echo`;
    await page.goto(`${origin}/anywhere.html#${url}`);
    await inTime(page.waitForFunction(() => /closed with/.test(document.querySelector("#log").textContent)), "it");
    const seen = await page.evaluate(() => document.querySelector("#log").textContent);
    assert.equal(seen, execFileSync(args.anywhere, [url], { encoding: "utf8", timeout: PATIENCE }));
  });
};

/** What stands between pages and the chat, and can be cut. */
class Line {
  static async to(port) {
    const line = new Line();
    line.open = true;
    line.sockets = new Set();
    const server = net.createServer(client => {
      if (!line.open) return client.destroy();
      const upstream = net.connect(port, "127.0.0.1");
      for (const [from, to] of [[client, upstream], [upstream, client]]) {
        line.sockets.add(from);
        from.on("error", () => {});
        from.on("close", () => {
          line.sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise(resolve => server.listen(0, "127.0.0.1", resolve));
    line.address = `127.0.0.1:${server.address().port}`;
    return line;
  }

  cut() {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }
}

async function chat({ browser, step, serve, args, assert, path, PATIENCE }) {
  const troubles = [];
  const chat = await serve("chat", args.chat, "--listen", "127.0.0.1:0", "--pages", args.pages);
  const line = await Line.to(Number(chat.split(":")[1]));
  const { address } = line;

  async function comes(name, where) {
    const context = await browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("pageerror", error => troubles.push(`${name}: ${error}`));
    page.on("dialog", dialog => troubles.push(`${name}: a dialog: ${dialog.message()}`));
    page.on("console", message => {
      if (message.type() === "error" && !/WebSocket connection to|favicon|404/.test(message.text())) troubles.push(`${name}: ${message.text()}`);
    });
    await page.goto(`http://${address}${where}`);
    await page.getByRole("textbox", { name: "Your name" }).fill(name);
    await page.getByRole("button", { name: "Join" }).click();
    await page.getByText("Connected", { exact: true }).waitFor();
    return page;
  }
  async function says(page, text) {
    const field = page.getByRole("textbox", { name: "Message" });
    await field.fill(text);
    await field.press("Enter");
  }
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
  const lines = page => page.$$eval(".line:not(.pending, .failed) p", items => items.map(item => item.textContent));

  await step("anywhere runs under the policy of a server", async () => {
    const page = await browser.newPage();
    await page.goto(`http://${chat}/pages/anywhere.html`);
    await page.locator("#log").getByText("add # and the URL").waitFor({ timeout: PATIENCE });
    await page.close();
  });

  let rust;
  let script;
  await step("wasm-chat and the chat's own page see each other", async () => {
    rust = await comes("Ada", "/pages/");
    script = await comes("Grace", "/");
    await eventually(() => rust.$$eval("#here li", items => items.map(item => item.textContent).sort()), ["Ada", "Grace"]);
    await says(rust, "hello from Rust");
    await eventually(() => lines(script), ["hello from Rust"]);
    await says(script, "hello from JavaScript 🦀");
    for (const page of [rust, script]) await eventually(() => lines(page), ["hello from Rust", "hello from JavaScript 🦀"]);
    assert.equal(await rust.locator(".line.mine").count(), 1);
  });
  await step("wasm-chat shows hostile lines as text", async () => {
    const text = `<img src=x onerror="alert(1)"><script>alert(2)</script>`;
    await says(script, text);
    await eventually(async () => (await lines(rust)).at(-1), text);
    assert.equal(await rust.locator("#log :is(img, script)").count(), 0);
    // Lines that are named as parts of the page, which are there to take the next line.
    const parts = ["log", "say"];
    await script.evaluate(async parts => {
      const { Hub } = await import(new URL("/hub.js", location.href));
      const hub = new Hub("/ws", { token: () => `${"0123456789abcdef".repeat(2)} Mallory` });
      const lobby = hub.join("lobby");
      hub.connect();
      for (const id of parts) await lobby.publish({ id, text: `named ${id}` });
      hub.close();
    }, parts);
    for (const page of [rust, script]) await eventually(async () => (await lines(page)).slice(3), parts.map(id => `named ${id}`));
    for (const id of parts) assert.equal(await rust.locator(`#chat > #${id}`).count(), 1);
    await says(rust, "and all is well");
    for (const page of [rust, script]) await eventually(async () => (await lines(page)).at(-1), "and all is well");
  });
  await step("wasm-chat shows the history to one who comes later", async () => {
    const late = await comes("Lin", "/pages/");
    await eventually(async () => (await lines(late)).length, 6);
    await late.screenshot({ path: path.join(args.out, "wasm-chat.png") });
    await late.context().close();
  });
  await step("wasm-chat loses nothing and doubles nothing when its connection is cut", async () => {
    line.open = false;
    line.cut();
    await rust.getByText(/Again in/).waitFor();
    await says(rust, "written while away");
    await says(rust, "and another");
    await rust.getByText("2 to send").waitFor();
    assert.equal(await rust.locator(".line.pending").count(), 2);
    line.open = true;
    for (const page of [rust, script]) await eventually(async () => (await lines(page)).slice(6), ["written while away", "and another"]);
    assert.equal(await rust.locator(".line.pending").count(), 0);
  });
  await step("nothing went wrong in any page", async () => assert.deepEqual(troubles, []));
}
