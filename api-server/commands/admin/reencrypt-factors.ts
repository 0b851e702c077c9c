import type { FastifyInstance } from 'fastify'
import { type KeyUse, reencryptSecrets } from '../../plugins/app/mfa/reencryption.ts'

/** Encrypts all secrets of second factors with the newest key, and says which keys are still needed. */
export async function* reencryptFactors(app: FastifyInstance): AsyncGenerator<string> {
  if (!app.mfa.isOn) throw new Error('Second factors are off (MFA_MODE): the server has no keys for their secrets.')
  const { reencrypted, unreadable, unreadableUsers, keys } = await reencryptSecrets(app, new Date())
  yield `Encrypted ${secrets(reencrypted)} with the newest key.`
  yield* keys.map(lineOf)
  if (unreadable === 0) return
  const named = `${unreadableUsers.join(', ')}${unreadable > unreadableUsers.length ? ', …' : ''}`
  throw new Error(
    `${secrets(unreadable)} cannot be decrypted. Restore the missing key, or reset the factors of these users: ${named}`,
  )
}

/** What an operator needs to know before they remove a key. */
function lineOf({ kid, state, secrets: count, pending }: KeyUse): string {
  const uses = `${secrets(count)}, ${pending} pending ${pending === 1 ? 'enrolment' : 'enrolments'}`
  switch (state) {
    case 'newest':
      return `Key ${kid}: ${uses}. It is the newest active key.`
    case 'future':
      return `Key ${kid}: ${uses}. It is not active yet.`
    case 'missing':
      return `Key ${kid}: ${uses}. It is not in the key set.`
    case 'older':
      if (count > 0) return `Key ${kid}: ${uses}. Keep it, and run this command again.`
      if (pending > 0) return `Key ${kid}: ${uses}. Keep it until they are confirmed or have expired.`
      return `Key ${kid}: ${uses}. It can be removed.`
  }
}

function secrets(count: number): string {
  return `${count} ${count === 1 ? 'secret' : 'secrets'}`
}
