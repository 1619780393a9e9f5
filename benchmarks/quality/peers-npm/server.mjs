// Answers requests on standard input, one line of JSON and then a file, by a line of JSON and sharp's result.
import { createRequire } from "node:module";
import { writeSync } from "node:fs";

const sharp = createRequire(`${process.argv[2]}/`)("sharp");
sharp.concurrency(1);
sharp.cache(false);

const settings = {
  jpeg: (quality) => ({ quality, mozjpeg: true }),
  webp: (quality) => ({ quality }),
  avif: (quality) => ({ quality }),
  png: (quality) => ({ quality, palette: true }),
};

function write(data) {
  for (let at = 0; at < data.length; ) {
    try {
      at += writeSync(1, data, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

async function answer(request, data) {
  if (request.format === "version") return Buffer.from(`sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}`);
  return sharp(data).autoOrient().toFormat(request.format, settings[request.format](request.quality)).toBuffer();
}

let waiting = Buffer.alloc(0);
let request = null;
for await (const chunk of process.stdin) {
  waiting = Buffer.concat([waiting, chunk]);
  while (true) {
    if (request === null) {
      const end = waiting.indexOf(10);
      if (end < 0) break;
      request = JSON.parse(waiting.subarray(0, end).toString());
      waiting = waiting.subarray(end + 1);
    }
    if (waiting.length < request.size) break;
    const data = waiting.subarray(0, request.size);
    const before = process.cpuUsage();
    try {
      const made = await answer(request, data);
      const used = process.cpuUsage(before);
      write(Buffer.from(JSON.stringify({ size: made.length, cpu_s: (used.user + used.system) / 1e6 }) + "\n"));
      write(made);
    } catch (error) {
      write(Buffer.from(JSON.stringify({ error: String(error) }) + "\n"));
    }
    waiting = waiting.subarray(request.size);
    request = null;
  }
}
