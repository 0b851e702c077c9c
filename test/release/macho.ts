import { createHash } from 'node:crypto'

/** What the code signature of a Mach-O file says. @see https://github.com/apple-oss-distributions/xnu cs_blobs.h */
export interface CodeDirectory {
  identifier: string
  /** Signed without an identity. */
  isAdHoc: boolean
  /** Bytes before the signature. All of them are signed. */
  codeLimit: number
  pageBytes: number
  /** SHA-256 of each page, in hexadecimal digits. */
  digests: string[]
}

const headerBytes = 32
const loadCommandOfSignature = 0x1d
const magicOfCodeDirectory = 0xfade0c02
const adHocFlag = 0x2

/** @throws when the file has no code signature */
export function codeDirectoryOf(file: Buffer): CodeDirectory {
  const start = signatureOffset(file)
  const blobs = Array.from({ length: file.readUInt32BE(start + 8) }, (_, index) =>
    file.subarray(start + file.readUInt32BE(start + 12 + index * 8 + 4)),
  )
  const directory = blobs.find((blob) => blob.readUInt32BE(0) === magicOfCodeDirectory)
  if (directory === undefined) throw new Error('the signature has no code directory')
  const [hashOffset, identifierOffset] = [directory.readUInt32BE(16), directory.readUInt32BE(20)]
  const [count, codeLimit, hashBytes] = [
    directory.readUInt32BE(28),
    directory.readUInt32BE(32),
    directory.readUInt8(36),
  ]
  return {
    identifier: directory.toString('utf8', identifierOffset, directory.indexOf(0, identifierOffset)),
    isAdHoc: (directory.readUInt32BE(12) & adHocFlag) !== 0,
    codeLimit,
    pageBytes: 1 << directory.readUInt8(39),
    digests: Array.from({ length: count }, (_, page) => {
      const at = hashOffset + page * hashBytes
      return directory.toString('hex', at, at + hashBytes)
    }),
  }
}

/** The digests that the content has. */
export function digestsOfPages(file: Buffer, { codeLimit, pageBytes }: CodeDirectory): string[] {
  return Array.from({ length: Math.ceil(codeLimit / pageBytes) }, (_, page) =>
    createHash('sha256')
      .update(file.subarray(page * pageBytes, Math.min(codeLimit, (page + 1) * pageBytes)))
      .digest('hex'),
  )
}

function signatureOffset(file: Buffer): number {
  let position = headerBytes
  for (let left = file.readUInt32LE(16); left > 0; left--) {
    if (file.readUInt32LE(position) === loadCommandOfSignature) return file.readUInt32LE(position + 8)
    position += file.readUInt32LE(position + 4)
  }
  throw new Error('the file has no code signature')
}
