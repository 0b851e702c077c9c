import type { FastifyInstance, FastifyReply } from 'fastify'

/** `__Host-`: set only by this host, only over TLS, for all paths. RFC 6265bis section 4.1.3.2. */
export const deviceCookie = '__Host-device'

/** @param value undefined: the device keeps its cookie */
export function setDeviceCookie(app: FastifyInstance, reply: FastifyReply, value: string | undefined): void {
  if (value === undefined) return
  reply.setCookie(deviceCookie, value, {
    path: '/',
    httpOnly: true,
    secure: true,
    sameSite: 'strict',
    maxAge: app.config.knownDeviceLifetimeSeconds,
  })
}
