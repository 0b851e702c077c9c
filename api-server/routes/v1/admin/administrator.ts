import type { FastifyRequest } from 'fastify'
import type { Administrator } from '../../../plugins/app/accounts/administrator.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** ID of the calling administrator; empty outside of the admin API. */
    adminId: string
  }
}

export function administratorOf({ adminId, ip }: FastifyRequest): Administrator {
  return { id: adminId, address: ip }
}
