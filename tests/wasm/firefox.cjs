// Firefox, driven by WebDriver BiDi. Its pages have those methods of Playwright's pages that the tests for all browsers use.

"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const readline = require("node:readline");
const WebSocket = require("ws");
const { remove } = require("./remove.cjs");

/** So that it asks nobody for anything but the pages. The rest is set by its remote agent. */
const PREFERENCES = {
  "app.normandy.enabled": false,
  "app.update.disabledForTesting": true,
  "browser.safebrowsing.malware.enabled": false,
  "browser.safebrowsing.phishing.enabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "toolkit.telemetry.server": "",
};

class Page {
  constructor(browser, context) {
    this.browser = browser;
    this.context = context;
  }

  goto(url) {
    return this.browser.command("browsingContext.navigate", { context: this.context, url, wait: "complete" });
  }

  reload() {
    return this.browser.command("browsingContext.reload", { context: this.context, wait: "complete" });
  }

  async evaluate(work, given) {
    const source = `async given => {
      try {
        return JSON.stringify({ value: await (${work})(JSON.parse(given)) });
      } catch (error) {
        return JSON.stringify({ error: String(error) });
      }
    }`;
    const { result, exceptionDetails } = await this.browser.command("script.callFunction", {
      functionDeclaration: source,
      arguments: [{ type: "string", value: JSON.stringify(given ?? null) }],
      awaitPromise: true,
      target: { context: this.context },
    });
    if (!result) throw new Error(exceptionDetails.text);
    const { value, error } = JSON.parse(result.value);
    if (error !== undefined) throw new Error(error);
    return value;
  }

  async waitForFunction(holds) {
    while (!(await this.evaluate(holds))) await this.waitForTimeout(20);
  }

  waitForTimeout(milliseconds) {
    return new Promise(resolve => setTimeout(resolve, milliseconds));
  }
}

class Firefox {
  constructor(child, profile) {
    this.child = child;
    this.profile = profile;
    this.waiting = new Map();
    this.last = 0;
  }

  async connect(url) {
    this.socket = new WebSocket(`${url}/session`);
    this.socket.on("message", data => {
      const { id, type, result, error, message } = JSON.parse(data);
      const waits = this.waiting.get(id);
      if (!waits) return;
      this.waiting.delete(id);
      if (type === "success") waits.resolve(result);
      else waits.reject(new Error(`${error}: ${message}`));
    });
    const lost = () => {
      for (const waits of this.waiting.values()) waits.reject(new Error("Firefox is gone"));
      this.waiting.clear();
    };
    this.socket.on("close", lost);
    await new Promise((resolve, reject) => this.socket.on("open", resolve).on("error", reject));
    await this.command("session.new", { capabilities: {} });
  }

  command(method, params) {
    const id = ++this.last;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async newPage() {
    const { context } = await this.command("browsingContext.create", { type: "tab" });
    return new Page(this, context);
  }

  async close() {
    if (this.child.exitCode === null) {
      const ended = new Promise(resolve => this.child.on("exit", resolve));
      this.child.kill();
      await ended;
    }
    await remove(this.profile);
  }
}

/** Prepares an empty profile; gives the options that have it used. */
exports.options = profile => {
  const preferences = Object.entries(PREFERENCES).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});\n`);
  fs.writeFileSync(path.join(profile, "user.js"), preferences.join(""));
  return ["--headless", "--no-remote", "--profile", profile];
};

/** Starts it with a profile of its own. */
exports.launch = async executable => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "firefox-"));
  const options = [...exports.options(profile), "--remote-debugging-port", "0"];
  const child = spawn(executable, options, { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, HOME: profile } });
  const firefox = new Firefox(child, profile);
  try {
    for await (const line of readline.createInterface(child.stderr)) {
      const found = /WebDriver BiDi listening on (ws:\S+)/.exec(line);
      if (found) {
        child.stderr.resume();
        await firefox.connect(found[1]);
        return firefox;
      }
    }
    throw new Error("it ended");
  } catch (error) {
    child.kill();
    throw new Error(`Firefox did not start: ${error.message}`);
  }
};
