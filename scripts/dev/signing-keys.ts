import { mkdir, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { KeySetFile } from '../../api-server/plugins/app/tokens/key-set.ts'

/** A key set with one ES256 key, made once, so that tokens outlive a restart. @returns its path */
export async function developmentKeys(folder: string): Promise<string> {
  const file = join(folder, 'keys.json')
  if (await exists(file)) return file
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  const now = new Date().toISOString()
  const keySet: KeySetFile = {
    version: 1,
    keys: [{ kid: await calculateJwkThumbprint(jwk), alg: 'ES256', jwk, createdAt: now, activateAt: now }],
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
