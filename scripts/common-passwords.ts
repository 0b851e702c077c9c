/**
 * Writes api-server/plugins/app/passwords/common-passwords.generated.ts from a list of leaked passwords, most frequent
 * first: `node scripts/common-passwords.ts 10-million-password-list-top-1000000.txt`.
 *
 * The list is that of SecLists (MIT), Passwords/Common-Credentials. Only passwords that the length rule admits are
 * useful: those of 8 to 11 bytes if PASSWORD_MIN_LENGTH is lowered, and those of 12 bytes and more.
 */
import { createReadStream } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'

/** OWASP ASVS 5 requires 3,000 passwords that match the length rule (6.2.4). */
const wanted = 6_000
const destination = join(
  resolve(import.meta.dirname, '..'),
  'api-server/plugins/app/passwords/common-passwords.generated.ts',
)

const [source] = process.argv.slice(2)
if (source === undefined) {
  console.error('Usage: node scripts/common-passwords.ts LIST.txt (one password a line, the most frequent first)')
  process.exit(1)
}

const shorter = new Set<string>()
const longer = new Set<string>()
for await (const line of createInterface({ input: createReadStream(source, 'utf8') })) {
  const password = line.normalize('NFC').toLowerCase()
  const bytes = Buffer.byteLength(password)
  // Omits passwords that a template literal or the splitting at spaces would change.
  if (bytes < 8 || bytes > 72 || /[\s`\\$]/.test(password)) continue
  const list = bytes < 12 ? shorter : longer
  if (list.size < wanted) list.add(password)
}
if (shorter.size < wanted || longer.size < wanted) {
  console.error(`${source} has too few passwords: ${shorter.size} of 8 to 11 bytes, ${longer.size} of 12 and more.`)
  process.exit(1)
}

await writeFile(
  destination,
  `/*! Made by scripts/common-passwords.ts from SecLists, 10-million-password-list-top-1000000.txt.
 * https://github.com/danielmiessler/SecLists, MIT License, Copyright (c) Daniel Miessler: see common-passwords.LICENSE.
 * Passwords that people really used, as they leaked; lower case, in no order. */

/** The ${wanted} most frequent of 8 to 11 bytes, separated by spaces. */
export const shorter = \`${lines(shorter)}\`

/** The ${wanted} most frequent of 12 bytes and more, separated by spaces. */
export const longer = \`${lines(longer)}\`
`,
)
console.log(`Wrote ${destination}.`)

function lines(passwords: Set<string>): string {
  const all = [...passwords].sort()
  const rows: string[] = []
  for (let start = 0; start < all.length; start += 8) rows.push(all.slice(start, start + 8).join(' '))
  return `\n${rows.join('\n')}\n`
}
