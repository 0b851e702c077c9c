/** Encodes in DER the ASN.1 types that a certificate consists of. @see ITU-T X.690 */

/** A value with its tag and length. */
export function tagged(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content)
  return Buffer.concat([Buffer.from([tag]), lengthOf(body.length), body])
}

export const sequence = (...parts: readonly Uint8Array[]) => tagged(0x30, ...parts)
export const set = (...parts: readonly Uint8Array[]) => tagged(0x31, ...parts)
export const octetString = (content: Uint8Array) => tagged(0x04, content)
export const utf8String = (text: string) => tagged(0x0c, Buffer.from(text))
export const boolean = (value: boolean) => tagged(0x01, Buffer.from([value ? 0xff : 0]))

/** A non-negative integer, most significant byte first. */
export function unsignedInteger(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte !== 0)
  const shortest = first < 0 ? Buffer.from([0]) : Buffer.from(bytes.subarray(first))
  // A leading one bit would mean a negative number.
  const sign = (shortest[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []
  return tagged(0x02, ...sign, shortest)
}

/** @param unusedBits at the end of the last byte */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return tagged(0x03, Buffer.from([unusedBits]), bytes)
}

/** @param dotted such as `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** A time in seconds, in the form that RFC 5280 (4.1.2.5) requires: a two-digit year until 2049. */
export function time(date: Date): Buffer {
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replace(/[-:T]/g, '')
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(digits.slice(2))) : tagged(0x18, Buffer.from(digits))
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) bytes.unshift(rest & 0xff)
  return Buffer.from([0x80 | bytes.length, ...bytes])
}

/** Seven bits for each byte; all but the last have the highest bit set. */
function base128(value: number): number[] {
  const bytes = [value & 0x7f]
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift(0x80 | (rest & 0x7f))
  return bytes
}
