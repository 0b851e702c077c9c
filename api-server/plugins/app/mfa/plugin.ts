import { type MfaKey, parseMfaKeySet } from '@authservice-operator/contract/mfa-key-set.ts'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import type { ClientSession } from 'mongodb'
import type { Setting } from '../observability/email-hash.ts'
import { KeyFile, type KeyFileContent, type KeyFileNews } from '../tokens/key-file.ts'
import { KeySetError } from '../tokens/load-key-set.ts'
import type { StoredUser } from '../users/user.ts'
import type { UserKey } from '../users/user-key.ts'
import { type Challenge, ChallengeStore } from './challenge-store.ts'
import { FactorStore, type UserFactors } from './factor-store.ts'
import { MfaPolicy } from './policy.ts'
import { isRemembered } from './remembered-device.ts'
import { keyOfMfaSecret, MfaKeys } from './sealed-secret.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Second factors. The flows are the functions of this folder. */
    mfa: {
      /** Whether logins need the second factors of their users (MFA_MODE). */
      isOn: boolean
      factors: FactorStore
      challenges: ChallengeStore
      keys: MfaKeys
      /** Who must have a second factor. */
      policy: MfaPolicy
      /** The factors that a login of the user needs; null if it needs none. */
      requiredFactors(userId: UserKey): Promise<UserFactors | null>
      /**
       * How long a second factor of the user is remembered, in seconds. 0: not at all, because the server does not
       * remember devices, or because the user must have a second factor.
       */
      rememberSeconds(user: StoredUser, now: Date): Promise<number>
      /** Whether a login from the device needs no second factor. */
      isRemembered: typeof isRemembered
      /** Removes all that is known of the second factors of a user, also while they are not used. */
      forgetUser(userId: UserKey, session: ClientSession): Promise<boolean>
    }
  }
}

export default fp(
  async function mfa(app) {
    const { mode, keys: source, tokenLifetimeSeconds } = app.config.mfa
    const isOn = mode !== 'off'
    const keys = new MfaKeys()
    if (isOn && source !== undefined) {
      if ('secret' in source) keys.replace([keyOfMfaSecret(source.secret)])
      else await followFile(app, source.file, keys)
    }
    // From the primary, regardless of the read preference in the URL: a secondary may not know a factor yet.
    const primary = { readPreference: 'primary' } as const
    const factors = new FactorStore(app.mongo.db.collection<UserFactors>('second_factors', primary))
    const challenges = new ChallengeStore(
      app.mongo.db.collection<Challenge>('mfa_challenges', primary),
      tokenLifetimeSeconds,
    )
    const policy = new MfaPolicy(app.mongo.db.collection<Setting>('settings', primary), app.config.mfa)
    app.decorate('mfa', {
      isOn,
      factors,
      challenges,
      keys,
      policy,
      requiredFactors: async (userId) => (isOn ? factors.find(userId) : null),
      rememberSeconds: async (user, now) =>
        (await policy.requires(user, now)) ? 0 : app.config.mfa.rememberDeviceSeconds,
      isRemembered,
      async forgetUser(userId, session) {
        await challenges.forget(userId, session)
        return factors.forget(userId, session)
      },
    })
  },
  { name: 'mfa', dependencies: ['config', 'mongo', 'security-events'] },
)

async function followFile(app: FastifyInstance, path: string, keys: MfaKeys): Promise<void> {
  const content: KeyFileContent<MfaKey> = {
    name: 'keys of second factors',
    parse(text) {
      const parsed = parseMfaKeySet(text)
      if (parsed.kind === 'corrupt') throw new KeySetError(parsed.problem)
      return parsed.keySet.keys
    },
    replace: (read) => keys.replace(read),
  }
  const file = new KeyFile(path, content, (news) => tell(app, news))
  await file.load()
  file.follow()
  app.addHook('onClose', () => file.stop())
}

function tell(app: FastifyInstance, news: KeyFileNews): void {
  switch (news.kind) {
    case 'changed':
      app.securityEvents.record('key_rotated', { reason: `loaded the keys of second factors ${news.kids.join(', ')}` })
      return
    case 'unusable':
      app.log.error({ reason: news.reason }, 'earlier keys of second factors stay in use')
      return
    case 'recovered':
      app.log.info('the keys of second factors are usable again')
  }
}
