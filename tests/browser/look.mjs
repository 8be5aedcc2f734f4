// Copyright (c) 2026, The controlplane.etcd authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// Open pages in Chromium, at each width, light and dark, and print what is wrong with each of them as JSON.
//
//     node look.mjs CHROMIUM NODE_MODULES DIRECTORY_FOR_PICTURES PAGE...

import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [chromium, modules, pictures, ...pages] = process.argv.slice(2);
const require = createRequire(join(modules, "x.js"));
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [380, 800, 1000, 1024, 1600];
const JUDGED = [380, 1024];

// Of the elements that reach beyond the right edge; what is only there for screen readers has no size to speak of.
function overflow() {
  const width = document.documentElement.clientWidth;
  const wide = [...document.querySelectorAll("body *")]
    .filter((element) => !element.closest(".unseen, .skip, thead, defs, .treemap svg svg"))
    .map((element) => [element, element.getBoundingClientRect()])
    .filter(([element, box]) => box.width > 1 && (box.right > width + 1 || box.left < -1))
    .map(([element]) => `${element.tagName} ${element.textContent.trim().slice(0, 40)}`);
  return document.documentElement.scrollWidth > width ? ["the page itself", ...wide] : wide;
}

const browser = await require("playwright-core").chromium.launch({
  executablePath: chromium,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
  ],
});
const found = [];
for (const page of pages) {
  for (const width of WIDTHS) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      const tab = await context.newPage();
      const messages = [], requests = [];
      tab.on("console", (message) => messages.push(message.text()));
      tab.on("pageerror", (error) => messages.push(String(error)));
      tab.on("dialog", (dialog) => { messages.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
      tab.on("request", (request) => requests.push(request.url()));
      await tab.goto(pathToFileURL(page).href);
      for (const details of await tab.$$("details")) await details.evaluate((each) => { each.open = true; });
      const wide = await tab.evaluate(overflow);
      if (JUDGED.includes(width)) await tab.screenshot({ path: join(pictures, `${basename(page, ".html")}-${width}-${colorScheme}.png`), fullPage: true });
      // What the page itself has said, before the rules are loaded into it.
      const said = [...messages];
      let violations = [], passes = [];
      if (JUDGED.includes(width)) {
        await tab.evaluate(axe);
        ({ violations, passes } = await tab.evaluate(() => window.axe.run({ resultTypes: ["violations"] })));
      }
      found.push({
        page: basename(page), width, scheme: colorScheme, messages: said, overflow: wide,
        loaded: requests.filter((url) => !url.startsWith("file:") && !url.startsWith("data:")),
        violations: violations.map((each) => `${each.impact} ${each.id}: ${each.nodes.map((node) => node.target.join(" ")).slice(0, 3).join(", ")}: ${each.nodes[0].failureSummary}`),
        passes: passes.length,
      });
      await context.close();
    }
  }
}
await browser.close();
console.log(JSON.stringify(found));
