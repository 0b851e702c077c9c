import { createPrivateKey, createPublicKey } from 'node:crypto'
import { type KeySetEntry, parseKeySet } from '@authservice-operator/contract/key-set.ts'
import { type LoadedKey, loadedKey, secretMaterial } from './key-store.ts'

/** The text is not a usable key set. The message is the end of a sentence, and never contains a part of a key. */
export class KeySetError extends Error {
  override name = 'KeySetError'
}

/** @throws KeySetError that says where it is wrong */
export function loadKeySet(text: string): LoadedKey[] {
  const parsed = parseKeySet(text)
  if (parsed.kind === 'corrupt') throw new KeySetError(parsed.problem)
  return parsed.keySet.keys.map(loadKey)
}

function loadKey(entry: KeySetEntry): LoadedKey {
  const { kid, alg, jwk } = entry
  if (alg === 'HS256') return loadedKey(entry, secretMaterial(Buffer.from(jwk.k ?? '', 'base64url')))
  const privateHalf = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  const publicHalf = createPublicKey(privateHalf)
  return loadedKey(entry, {
    signing: privateHalf.export({ type: 'pkcs8', format: 'pem' }),
    verifying: publicHalf.export({ type: 'spki', format: 'pem' }),
    published: { ...publicHalf.export({ format: 'jwk' }), kid, alg, use: 'sig' },
  })
}
