import fp from 'fastify-plugin'
import type { WebAuthnConfig } from '../../../config/webauthn.ts'
import { type Ceremony, checkChallenge, newChallenge } from './ceremony.ts'
import { type UsedChallenge, UsedChallenges } from './used-challenges.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Passkeys. The flows are the functions of this folder, which need passkeys to be on. */
    passkeys: {
      /** Whether users may have passkeys (WEBAUTHN_RP_ID, and MFA_MODE). */
      isOn: boolean
      relyingParty: WebAuthnConfig
      newChallenge(ceremony: Ceremony, now: Date): string
      checkChallenge(challenge: string, ceremony: Ceremony, now: Date): ReturnType<typeof checkChallenge>
      usedChallenges: UsedChallenges
    }
  }
}

/** While passkeys are off: no ceremony reads it. */
const noRelyingParty: WebAuthnConfig = { rpId: '', origins: [], allowedAaguids: undefined }

export default fp(
  async function passkeys(app) {
    const { webAuthn } = app.config
    const { keys } = app.mfa
    const primary = { readPreference: 'primary' } as const
    app.decorate('passkeys', {
      isOn: app.mfa.isOn && webAuthn !== undefined,
      relyingParty: webAuthn ?? noRelyingParty,
      newChallenge: (ceremony, now) => newChallenge(keys, ceremony, now),
      checkChallenge: (challenge, ceremony, now) => checkChallenge(keys, challenge, ceremony, now),
      // Beside what else is pending: a backup contains neither.
      usedChallenges: new UsedChallenges(app.mongo.db.collection<UsedChallenge>('mfa_challenges', primary)),
    })
  },
  { name: 'passkeys', dependencies: ['config', 'mongo', 'mfa'] },
)
