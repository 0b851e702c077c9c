import type { FastifyInstance } from 'fastify'
import type { ProblemCode } from '../../plugins/app/problems/problem.ts'

/** What a route that changes credentials answers in addition if users can have second factors. */
export function stepUpProblems({ mfa }: FastifyInstance): readonly ProblemCode[] {
  return mfa.isOn ? ['insufficient_user_authentication'] : []
}
