import { crc32, deflateSync } from 'node:zlib'

/** A picture. */
export interface Pixels {
  width: number
  height: number
  /** Red, green, blue and opacity of each pixel, row by row. */
  rgba: Uint8Array
}

const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')

/**
 * A PNG with a palette, which is a third of the size of one with all colours. The palette has the colours that occur most
 * often; other pixels get the most similar one of them. Opacity is ignored.
 *
 * @param maxColors at most 256
 * @see https://www.w3.org/TR/png-3/
 */
export function palettePng({ width, height, rgba }: Pixels, maxColors: number): Buffer {
  const colors = Array.from({ length: width * height }, (_, pixel) => colorAt(rgba, pixel * 4))
  const counts = new Map<number, number>()
  for (const color of colors) counts.set(color, (counts.get(color) ?? 0) + 1)
  const byCount = [...counts].sort(([, one], [, other]) => other - one).map(([color]) => color)
  const palette = byCount.slice(0, maxColors)
  const indexes = new Map(byCount.map((color) => [color, nearestTo(color, palette)]))
  // Each row begins with a byte for its filter: 0 is none.
  const rows = Buffer.alloc((width + 1) * height)
  colors.forEach((color, pixel) => {
    rows[pixel + Math.floor(pixel / width) + 1] = indexes.get(color) ?? 0
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 3], 8) // bits of an index, and the type of colours: by index
  return Buffer.concat([
    signature,
    chunkOf('IHDR', header),
    chunkOf('PLTE', Buffer.from(palette.flatMap(channelsOf))),
    chunkOf('IDAT', deflateSync(rows, { level: 9 })),
    chunkOf('IEND', Buffer.alloc(0)),
  ])
}

/** Length, type, content, and a checksum of the last two. */
function chunkOf(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), content])
  const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(content.length)
  checksum.writeUInt32BE(crc32(typed))
  return Buffer.concat([length, typed, checksum])
}

/** `0xrrggbb`. */
function colorAt(rgba: Uint8Array, at: number): number {
  const [red = 0, green = 0, blue = 0] = rgba.subarray(at, at + 3)
  return (red << 16) | (green << 8) | blue
}

function channelsOf(color: number): [number, number, number] {
  return [color >> 16, (color >> 8) & 0xff, color & 0xff]
}

/** The index of the most similar colour. */
function nearestTo(color: number, palette: readonly number[]): number {
  const distances = palette.map((other) => distanceOf(channelsOf(color), channelsOf(other)))
  return distances.indexOf(Math.min(...distances))
}

function distanceOf(one: readonly number[], other: readonly number[]): number {
  return one.reduce((sum, channel, index) => sum + (channel - (other[index] ?? 0)) ** 2, 0)
}
