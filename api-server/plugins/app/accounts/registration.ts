import type { PageLanguage } from '@authservice-operator/contract/pages-file.ts'
import type { FastifyInstance } from 'fastify'
import { ObjectId } from 'mongodb'
import type { Caller } from '../caller.ts'
import { usesByAddress } from '../limits/plugin.ts'
import type { OneTimeToken } from '../one-time-tokens/store.ts'
import { type CanonicalEmail, canonicalEmail } from '../users/email.ts'
import type { NewUser } from '../users/store.ts'
import type { StoredUser } from '../users/user.ts'
import { consume, invalidToken, linkOf, mayGetMail } from './links.ts'

export interface Registration {
  email: CanonicalEmail
  name: string
  password: string
}

/**
 * Registers a user.
 *
 * @returns the user; undefined where registration does not disclose whether an email is taken
 *   (REGISTRATION_DISCLOSURE): then the user exists once the mailed link was opened
 * @throws Problem 403 `provider_login_required`, 409 `email_taken`, 422 for a bad password, 429 `rate_limited`, 501
 * `mail_not_configured`, 503
 */
export async function register(
  app: FastifyInstance,
  { email, name, password }: Registration,
  caller: Caller,
): Promise<StoredUser | undefined> {
  const { limits, registrationDisclosure } = app.config
  const isHidden = registrationDisclosure === 'hidden'
  if (isHidden) app.mail.require()
  app.passwords.assertAcceptable(password, { email, name })
  app.identityProviders.assertPasswordAllowed(email)
  await caller.limits.use(
    ...usesByAddress('register', caller.address, limits.register),
    ...usesByAddress('register-day', caller.address, limits.registerPerDay),
  )
  const passwordHash = await app.passwords.hash(password)
  if (isHidden) {
    await mailRegistrationLink(app, { email, name, passwordHash }, caller)
    return undefined
  }
  const user = await createUser(app, { email, name, passwordHash }, caller.language)
  app.securityEvents.record('user_created', { userId: user._id.toString(), email, address: caller.address })
  return user
}

/**
 * Creates a user, and the token that confirms the email: both or none.
 * @param language of the mail
 * @throws Problem 409 `email_taken`
 */
export async function createUser(app: FastifyInstance, newUser: NewUser, language: PageLanguage): Promise<StoredUser> {
  const { user, token } = await app.mongo.transaction(async (session) => {
    const created = await app.users.register(newUser, session)
    if (!app.mail.isConfigured) return { user: created, token: undefined }
    const subject = { purpose: 'verify_email', userId: created._id, email: created.email, version: 0 } as const
    return { user: created, token: await app.oneTimeTokens.issue(subject, new Date(), session) }
  })
  if (token !== undefined) {
    const link = linkOf(app.config.mail.verifyUrl, token)
    app.mail.later('verify_email', language, async () => ({ kind: 'verify_email', to: user.email, link }))
  }
  return user
}

/** Mails the link that creates the user. If the email is taken, its owner is notified instead. */
async function mailRegistrationLink(
  app: FastifyInstance,
  { email, name, passwordHash }: Pick<NewUser, 'email' | 'name' | 'passwordHash'>,
  { language }: Caller,
): Promise<void> {
  // Before the answer, in both cases, so that an unavailable database is reported. Steps that differ follow the answer.
  const owner = await app.users.findByEmail(email)
  if (owner !== null) {
    app.mail.later('already_registered', language, async () =>
      (await mayGetMail(app, owner)) ? { kind: 'already_registered', to: owner.email } : undefined,
    )
    return
  }
  app.mail.later('complete_registration', language, async () => {
    if (!(await mayGetMail(app, email))) return undefined
    // A registration does not replace another one, because another person could otherwise invalidate the owner's link.
    const subject = { purpose: 'register', userId: new ObjectId(), email, version: 0 } as const
    const token = await app.oneTimeTokens.issue({ ...subject, registration: { name, passwordHash } }, new Date())
    return { kind: 'complete_registration', to: email, link: linkOf(app.config.mail.verifyUrl, token) }
  })
}

/** The link was opened: creates the user. @throws Problem 400 `one_time_token_invalid`, 409 `email_taken` */
export async function completeRegistration(app: FastifyInstance, token: OneTimeToken, address: string): Promise<void> {
  const { userId: _id, registration: rest } = token
  const email = canonicalEmail(token.email)
  if (rest === undefined || email === undefined || !(_id instanceof ObjectId)) throw invalidToken()
  await app.mongo.transaction(async (session) => {
    await consume(app, token, session)
    await app.users.register({ _id, email, ...rest }, session)
    await app.verifiedEmails.add(_id, email, new Date(), session)
    await app.oneTimeTokens.forgetRegistrations(email, session)
  })
  app.securityEvents.record('user_created', { userId: _id.toHexString(), email, address })
}
