// The profile of a browser that has ended.
"use strict";

const fs = require("node:fs");

/** Removes a directory in which the last processes of a browser may still write, for ten seconds at the most. */
exports.remove = async directory => {
  for (let left = 100; ; left--) {
    try {
      return fs.rmSync(directory, { recursive: true, force: true });
    } catch (error) {
      if (left === 0) throw error;
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
};
