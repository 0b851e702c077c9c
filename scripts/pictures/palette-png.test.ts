import { inflateSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { palettePng } from './palette-png.ts'

const pixels = (width: number, ...colors: [number, number, number][]) => ({
  width,
  height: colors.length / width,
  rgba: Uint8Array.from(colors.flatMap((color) => [...color, 255])),
})

/** The content of a chunk of a PNG. */
function chunk(png: Buffer, type: string): Buffer {
  const at = png.indexOf(type, 0, 'latin1')
  return png.subarray(at + 4, at + 4 + png.readUInt32BE(at - 4))
}

const white: [number, number, number] = [255, 255, 255]
const pale: [number, number, number] = [250, 250, 250]
const blue: [number, number, number] = [0, 0, 200]

test('each pixel names its colour in the palette, and each row begins with its filter', () => {
  const png = palettePng(pixels(3, white, white, blue, white, blue, white), 256)
  expect(png.subarray(0, 8)).toEqual(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
  expect([...chunk(png, 'IHDR')]).toEqual([0, 0, 0, 3, 0, 0, 0, 2, 8, 3, 0, 0, 0])
  expect([...chunk(png, 'PLTE')]).toEqual([...white, ...blue])
  expect([...inflateSync(chunk(png, 'IDAT'))]).toEqual([0, 0, 0, 1, 0, 0, 1, 0])
  // The checksum of every PNG without more chunks.
  expect(png.subarray(-4)).toEqual(Buffer.from([0xae, 0x42, 0x60, 0x82]))
})

test('a colour that has no place in the palette becomes the most similar one', () => {
  const png = palettePng(pixels(5, blue, white, pale, white, blue), 2)
  expect([...chunk(png, 'PLTE')]).toEqual([...blue, ...white])
  expect([...inflateSync(chunk(png, 'IDAT'))]).toEqual([0, 0, 1, 1, 1, 0])
})
