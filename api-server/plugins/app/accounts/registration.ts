import type { FastifyInstance } from 'fastify'
import type { NewUser } from '../users/store.ts'
import type { StoredUser } from '../users/user.ts'
import { linkOf, mayGetMail } from './password-flows.ts'

/** Making users. */
export interface Registration {
  /** A user, and the token that confirms the email: both or none. @throws Problem 409 `email_taken` */
  register(user: NewUser): Promise<StoredUser>
  /** Tells the owner of an email that somebody tried to register with it. */
  tellRegistered(email: string): void
}

export function registration(app: FastifyInstance): Registration {
  return {
    async register(newUser) {
      const { user, token } = await app.mongo.transaction(async (session) => {
        const made = await app.users.register(newUser, session)
        if (!app.mail.isConfigured) return { user: made, token: undefined }
        const about = { purpose: 'verify_email', userId: made._id, email: made.email } as const
        return { user: made, token: await app.oneTimeTokens.issue(about, new Date(), session) }
      })
      if (token !== undefined) {
        const link = linkOf(app.config.mail.verifyUrl, token)
        app.mail.later('verify_email', async () => ({ kind: 'verify_email', to: user.email, link }))
      }
      return user
    },

    tellRegistered(email) {
      app.mail.later('already_registered', async () => {
        const user = await app.users.findByEmail(email)
        if (user === null || !(await mayGetMail(app, user))) return undefined
        return { kind: 'already_registered', to: user.email }
      })
    },
  }
}
