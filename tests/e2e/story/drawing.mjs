// Drawn people for the fake cameras, where a picture is to be looked at: SVG to a .y4m file.
import { writeFileSync } from "node:fs";

const WIDTH = 640;
const HEIGHT = 480;

const person = ({ skin, hair, hairPath, clothes, collar, extra = "" }) => `
  <path d="M150 480 C152 392 214 356 282 344 L358 344 C426 356 488 392 490 480 Z" fill="${clothes}"/>
  <path d="M284 344 C296 372 344 372 356 344 L352 330 L288 330 Z" fill="${collar}"/>
  <path d="M288 286 h64 v50 c-14 26 -50 26 -64 0 Z" fill="${skin}"/>
  <path d="M288 300 c14 16 50 16 64 0 v14 c-14 18 -50 18 -64 0 Z" fill="#000" opacity="0.10"/>
  <ellipse cx="320" cy="222" rx="76" ry="92" fill="${skin}"/>
  ${hairPath(hair)}
  <g fill="#2b2320"><ellipse cx="291" cy="222" rx="6.5" ry="7.5"/><ellipse cx="349" cy="222" rx="6.5" ry="7.5"/></g>
  <g fill="none" stroke="${hair}" stroke-width="6" stroke-linecap="round"><path d="M276 203 q14 -9 29 -3"/><path d="M335 200 q15 -6 29 3"/></g>
  <path d="M320 226 q-7 24 -3 28 q5 4 10 1" fill="none" stroke="#000" stroke-opacity="0.28" stroke-width="4" stroke-linecap="round"/>
  <path d="M296 274 q24 20 48 0" fill="none" stroke="#8f3b34" stroke-width="6" stroke-linecap="round"/>
  ${extra}`;

const scene = (inside) => `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}">${inside}</svg>`;

export const drawings = {
  citizen: scene(`
    <rect width="640" height="480" fill="#e7dccd"/>
    <rect x="430" y="40" width="170" height="220" rx="4" fill="#fff"/><rect x="442" y="52" width="146" height="196" fill="#b9d9e8"/>
    <path d="M442 200 q40 -40 74 -14 t72 -10 v72 h-146 Z" fill="#8fb58b"/><rect x="511" y="52" width="8" height="196" fill="#fff"/><rect x="442" y="138" width="146" height="8" fill="#fff"/>
    <rect x="40" y="150" width="150" height="10" fill="#a8835d"/><g><rect x="54" y="84" width="18" height="66" fill="#b5543c"/><rect x="74" y="96" width="14" height="54" fill="#3d6b74"/><rect x="90" y="90" width="20" height="60" fill="#d9a441"/><rect x="112" y="102" width="12" height="48" fill="#6b7f59"/></g>
    <path d="M150 150 h28 l-4 -26 h-20 Z" fill="#c9764f"/><g fill="#5f8a58"><ellipse cx="164" cy="104" rx="9" ry="24"/><ellipse cx="148" cy="112" rx="8" ry="20" transform="rotate(-32 148 112)"/><ellipse cx="180" cy="112" rx="8" ry="20" transform="rotate(32 180 112)"/></g>
    <rect y="400" width="640" height="80" fill="#d8c7b1"/>
    ${person({
      skin: "#e8b898", hair: "#5a3a2a", clothes: "#3f7d86", collar: "#f4efe8",
      hairPath: (hair) => `<path d="M240 330 C220 250 226 112 320 112 C414 112 420 250 400 330 C386 344 372 330 382 288 C396 236 388 196 372 176 C340 190 290 192 262 168 C248 200 246 240 258 288 C268 330 254 344 240 330 Z" fill="${hair}"/>`,
    })}`),
  clerk: scene(`
    <rect width="640" height="480" fill="#d7e3e4"/>
    <rect x="0" y="0" width="640" height="96" fill="#c6d6d8"/>
    <g fill="#f4f8f8"><rect x="50" y="60" width="120" height="300" rx="4"/></g><g fill="#0b4f5a"><rect x="64" y="78" width="26" height="80"/><rect x="94" y="78" width="26" height="80" fill="#3d7d86"/><rect x="124" y="78" width="30" height="80" fill="#f2b84b"/><rect x="64" y="176" width="30" height="80" fill="#3d7d86"/><rect x="98" y="176" width="26" height="80"/><rect x="128" y="176" width="26" height="80" fill="#7fa9ae"/></g>
    <rect x="480" y="70" width="120" height="150" rx="6" fill="#0b4f5a"/><rect x="514" y="104" width="52" height="40" rx="4" fill="#fff"/><rect x="506" y="152" width="68" height="10" rx="5" fill="#f2b84b"/>
    ${person({
      skin: "#d9a37c", hair: "#2f2a2a", clothes: "#23404f", collar: "#ffffff",
      hairPath: (hair) => `<path d="M244 214 C238 132 270 108 322 108 C374 108 404 134 396 214 C392 182 378 164 352 160 C318 168 282 166 262 158 C250 172 246 190 244 214 Z" fill="${hair}"/>`,
      extra: `<path d="M240 222 C238 118 402 118 400 222" fill="none" stroke="#30383b" stroke-width="9"/><rect x="228" y="206" width="22" height="48" rx="10" fill="#30383b"/><rect x="390" y="206" width="22" height="48" rx="10" fill="#30383b"/><path d="M238 250 q4 44 50 46" fill="none" stroke="#30383b" stroke-width="6"/><circle cx="290" cy="296" r="7" fill="#30383b"/>`,
    })}`),
};

/** The drawing as the browser paints it: RGBA bytes. */
async function paint(browser, svg) {
  const page = await browser.newPage();
  const base64 = await page.evaluate(async ({ svg, width, height }) => {
    const image = new Image();
    image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
    await image.decode();
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    let text = "";
    for (let i = 0; i < data.length; i += 0x8000) text += String.fromCharCode(...data.subarray(i, i + 0x8000));
    return btoa(text);
  }, { svg, width: WIDTH, height: HEIGHT });
  await page.close();
  return Buffer.from(base64, "base64");
}

/** Writes the drawing as a still film of a few frames (BT.601, 4:2:0). */
export async function writeDrawing(browser, svg, path) {
  const rgba = await paint(browser, svg);
  const luma = Buffer.alloc(WIDTH * HEIGHT);
  const [u, v] = [Buffer.alloc(luma.length / 4), Buffer.alloc(luma.length / 4)];
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++) {
      const [r, g, b] = rgba.subarray(4 * (y * WIDTH + x));
      luma[y * WIDTH + x] = Math.round(16 + (65.738 * r + 129.057 * g + 25.064 * b) / 256);
      if (x % 2 || y % 2) continue;
      const at = (y / 2) * (WIDTH / 2) + x / 2;
      u[at] = Math.round(128 + (-37.945 * r - 74.494 * g + 112.439 * b) / 256);
      v[at] = Math.round(128 + (112.439 * r - 94.154 * g - 18.285 * b) / 256);
    }
  const frame = Buffer.concat([Buffer.from("FRAME\n"), luma, u, v]);
  writeFileSync(path, Buffer.concat([Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F10:1 Ip A1:1 C420jpeg\n`), frame, frame]));
}
