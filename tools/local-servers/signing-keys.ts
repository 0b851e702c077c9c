import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { KeySetFile } from '../../contract/key-set.ts'

/** Creates a key set with one ES256 key, unless it exists, so that tokens survive a restart. @returns its path */
export async function developmentKeys(folder: string): Promise<string> {
  const file = join(folder, 'keys.json')
  if (await exists(file)) return file
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const now = new Date().toISOString()
  const keySet: KeySetFile = {
    version: 1,
    keys: [
      {
        kid: await calculateJwkThumbprint(jwk),
        alg: 'ES256',
        jwk: { ...jwk, kty: 'EC' },
        createdAt: now,
        activateAt: now,
      },
    ],
  }
  await mkdir(folder, { recursive: true })
  await writeFile(file, JSON.stringify(keySet), { mode: 0o600 })
  return file
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}
