// Whether a receipt is the box's: Ed25519 over RFC 8785 text, checked with the key it names.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";

// RFC 8785 for receipts: strings, whole numbers, booleans, null; keys in UTF-16 order.
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object")
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  return JSON.stringify(value);
}

export function assertSigned({ signature, storedAt: _now, ...receipt }) {
  const key = createPublicKey({ format: "jwk", key: { kty: "OKP", crv: "Ed25519", x: receipt.boxKey } });
  const signed = Buffer.from(canonical({ ...receipt, storedAt: "branch" }));
  assert.ok(verify(null, signed, key, Buffer.from(signature, "base64url")), "the receipt's signature");
}
