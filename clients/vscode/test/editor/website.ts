/** A small website whose files refer to two images in every way that people write. */
import { drawing, PHOTO } from "./pictures.ts";

/** Its images, by their path. */
export const IMAGES = { "img/hero.jpg": PHOTO, "img/logo.png": drawing(200) };

/** Its texts before a conversion to WebP. */
export const TEXTS = {
  "index.html": `<!DOCTYPE html>
<html lang="en">
  <head>
    <title>A walk in the hills</title>
    <link rel="icon" type="image/png" href="/img/logo.png">
    <link rel="stylesheet" href="css/site.css">
  </head>
  <body>
    <picture>
      <source type="image/jpeg" srcset="/img/hero.jpg 1x, img/hero.jpg?v=2 2x">
      <img src="./img/hero.jpg" alt="hero.jpg">
    </picture>
    <img src="https://cdn.example.com/img/hero.jpg" alt="elsewhere">
    <script src="js/app.js"></script>
  </body>
</html>
`,
  "css/site.css": `header { background: url(../img/logo.png) no-repeat; }\nmain { background: url("/img/hero.jpg"); }\n`,
  "js/app.js": `import logo from "../img/logo.png";\nexport const slides = [logo, "/img/hero.jpg"];\n`,
  "README.md": `# A walk\n\n![The hills](img/hero.jpg "Hills")\n`,
};

/** A text of somebody else, which no conversion may change. */
export const FOREIGN = { "node_modules/theme/index.html": `<img src="../../img/hero.jpg">\n` };

/** What the texts are after a conversion. */
export const CONVERTED = Object.fromEntries(Object.entries(TEXTS).map(([name, text]) => [name, converted(text)]));

/** How many paths in the texts refer to the images. */
export const REFERENCES = 9;

/** Which of the texts refer to the images. */
export const FILES = Object.keys(TEXTS).length;

function converted(text: string): string {
  return text
    .replace(/(?<!example\.com\/)(img\/(?:hero|logo))\.(?:jpg|png)/g, "$1.webp")
    .replace(/image\/(?:jpeg|png)/g, "image/webp");
}
