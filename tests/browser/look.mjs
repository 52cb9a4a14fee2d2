// look - opens documents in headless Chromium and says what it finds.
//
// usage: node look.mjs MODULES CHROMIUM FILE...
// MODULES is the folder with axe-core and playwright-core. For each file two
// lines with tabs: NAME, "axe" and each broken rule with an element; NAME,
// "narrow" and, when the page of 320 px moves sideways, its width and culprit.
// Nothing after the second tab: all is well. No document is ever changed, and
// nothing is fetched: files are opened as a recipient opens them.
import { createRequire } from "node:module";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, chromium, ...files] = process.argv.slice(2);
const require = createRequire(resolve(modules, "node_modules", "x"));
const axe = require("axe-core");
const playwright = require("playwright-core");

const browser = await playwright.chromium.launch({
	executablePath: chromium,
	// the test's own files only; Chromium's sandbox does not start as root
	args: process.getuid() === 0 ? ["--no-sandbox"] : [],
});

async function brokenRules(page) {
	// evaluated, not loaded by the page, so that no policy of the document
	// is in the way
	await page.evaluate(axe.source);
	const result = await page.evaluate(() => window.axe.run(document));
	if (result.passes.length < 10) return ["axe looked at next to nothing"];
	return result.violations.map((rule) => `${rule.id}: ${rule.nodes[0].html}`);
}

async function movesSideways(page) {
	return page.evaluate(() => {
		const width = document.scrollingElement.scrollWidth;
		if (width <= window.innerWidth) return [];
		const all = [...document.querySelectorAll("body *")];
		const wide = all.find((one) => one.getBoundingClientRect().right > window.innerWidth);
		return [`${width} px: ${wide?.outerHTML.slice(0, 100)}`];
	});
}

function say(file, what, found) {
	const texts = found.map((text) => text.replace(/\s+/g, " "));
	console.log([basename(file), what, ...texts].join("\t"));
}

for (const file of files) {
	const page = await browser.newPage({
		colorScheme: "light",
		viewport: { width: 1024, height: 900 },
	});
	await page.goto(pathToFileURL(file).href);
	say(file, "axe", await brokenRules(page));
	await page.setViewportSize({ width: 320, height: 900 });
	say(file, "narrow", await movesSideways(page));
	await page.close();
}
await browser.close();
