// Pictures in a format that the box does not keep, an iPhone's HEIC for one. Where this browser can
// show them it makes a JPEG of them, as a phone's own file picker does.

/** What a picker offers. HEIC is left out on purpose: iOS makes a JPEG of a photo when only that is asked for. */
export const FILE_TYPES = "image/jpeg,image/png,application/pdf";

/** Longer than the long side of an A4 page at 300 dpi, and no more than a phone's canvas may have. */
const EDGE_MOST = 4096;
const QUALITY = 0.92;

const isForeign = ({ name, type }: File) => /\.hei[cf]$/i.test(name) || (type.startsWith("image/") && !FILE_TYPES.split(",").includes(type));

function toJpeg(picture: ImageBitmap): Promise<Blob | null> {
  const scale = Math.min(1, EDGE_MOST / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  const brush = canvas.getContext("2d");
  if (!brush) return Promise.resolve(null);
  // What is transparent would turn black.
  brush.fillStyle = "#fff";
  brush.fillRect(0, 0, canvas.width, canvas.height);
  brush.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

/** The file itself, or a JPEG of it; null when this browser cannot read the picture. */
export async function asKept(file: File): Promise<File | null> {
  if (!isForeign(file)) return file;
  const picture = await createImageBitmap(file).catch(() => null);
  const jpeg = picture && (await toJpeg(picture));
  picture?.close();
  return jpeg && new File([jpeg], `${file.name.replace(/\.[^.]*$/, "")}.jpg`, { type: "image/jpeg" });
}
