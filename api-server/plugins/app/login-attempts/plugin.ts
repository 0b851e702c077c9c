import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import type { ClientSession, ObjectId } from 'mongodb'
import type { StoredUser } from '../users/user.ts'
import { type KnownDevice, KnownDevices } from './known-devices.ts'
import { accountBucket, accountKey, type LoginAttempt, openLoginAttempt } from './login-attempt.ts'

declare module 'fastify' {
  interface FastifyInstance {
    knownDevices: KnownDevices
    loginAttempts: {
      /** Whether this log-in may check a password. @throws Problem 429 `rate_limited` or `locked` */
      open(email: string, request: FastifyRequest, reply: FastifyReply): Promise<LoginAttempt>
      /** After a log-in: gives the device its cookie, when it is new or it is time for another one. */
      rememberDevice(
        userId: ObjectId,
        device: KnownDevice | null,
        request: FastifyRequest,
        reply: FastifyReply,
      ): Promise<void>
      /** Forgets the failures and uses of everybody who tried to log in to this account. */
      unlock(user: StoredUser): Promise<void>
      /** None of the user's devices is known any more. */
      forgetDevices(userId: ObjectId, session: ClientSession): Promise<void>
    }
  }
}

/** `__Host-`: set by this host alone, over TLS alone. It says nothing but that somebody has logged in here before. */
export const deviceCookie = '__Host-device'

export default fp(
  async function loginAttempts(app) {
    const { knownDeviceLifetimeSeconds: lifetimeSeconds, limits } = app.config
    const devices = new KnownDevices(app.mongo.db.collection<KnownDevice>('known_devices'), lifetimeSeconds)
    app.decorate('knownDevices', devices)
    const cookieOf = ({ headers }: FastifyRequest) => app.parseCookie(headers.cookie ?? '')[deviceCookie]

    app.decorate('loginAttempts', {
      open: (email, request, reply) => {
        return openLoginAttempt(app, { email, cookie: cookieOf(request) }, request, reply)
      },
      async rememberDevice(userId, device, request, reply) {
        const now = new Date()
        if (device !== null && !(await devices.renew(device, now))) return
        const value = device === null ? await devices.add(userId, now) : (cookieOf(request) ?? '')
        const options = {
          path: '/',
          httpOnly: true,
          secure: true,
          sameSite: 'strict',
          maxAge: lifetimeSeconds,
        } as const
        reply.setCookie(deviceCookie, value, options)
      },
      unlock(user) {
        const account = accountKey(user.email, user)
        return app.limits.counters.unlock(account, limits.lock, [accountBucket(account), `login-device:${account}`])
      },
      forgetDevices: (userId, session) => devices.forgetAll(userId, session),
    })
  },
  { name: 'login-attempts', dependencies: ['config', 'cookies', 'mongo', 'users', 'limits'] },
)
