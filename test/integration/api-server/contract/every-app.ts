/**
 * Holds every answer of every server that is built in this process against that server's own API description: import it
 * for that. A test in which an answer was not as described fails, whatever else it looks at.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, afterEach, expect, inject } from 'vitest'
import { type AnswerChecker, answerChecker } from './answer-checker.ts'
import { describedAnswers } from './described-answers.ts'

/** Answers as `logIn 401 invalid_credentials`, `logIn 200`. */
const seen = new Set<string>()
const described = new Set<string>()
const faults: string[] = []
const payloads = new WeakMap<FastifyRequest, string>()
const checkers = new WeakMap<FastifyInstance, AnswerChecker>()

// Fastify tells of every instance before its first plugin.
subscribe('fastify.initialization', (message) => {
  // What this channel of Fastify carries.
  const { fastify } = message as { fastify: FastifyInstance }
  fastify.addHook('onSend', async (request, _reply, payload) => {
    if (typeof payload === 'string') payloads.set(request, payload)
  })
  fastify.addHook('onResponse', async (request, reply) => look(fastify, request, reply))
})

afterEach(() => {
  expect(faults.splice(0), 'answers that are not as /openapi.json describes them').toEqual([])
})

afterAll(async () => {
  const file = join(inject('answersFolder'), `${basename(expect.getState().testPath ?? 'unknown')}.json`)
  await writeFile(file, JSON.stringify({ seen: [...seen], described: [...described] }))
})

function look(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  if (!app.hasDecorator('swagger')) return // the port of metrics and probes
  const path = request.routeOptions.url?.replace(/:(\w+)/g, '{$1}')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (path === undefined || !checkerOf(app).knows(method, path)) return
  // Fastify sends nothing with these, whatever the handler returned.
  const body = reply.statusCode === 204 || reply.statusCode === 304 ? '' : (payloads.get(request) ?? '')
  const answer = { method, path, status: reply.statusCode, headers: reply.getHeaders(), body }
  seen.add([request.routeOptions.schema?.operationId, reply.statusCode, codeOf(body)].filter(Boolean).join(' '))
  if (request.method === 'HEAD') return
  for (const fault of checkerOf(app).check(answer)) {
    faults.push(`${request.method} ${request.url} → ${reply.statusCode}: ${fault}; the body: ${body.slice(0, 300)}`)
  }
}

function checkerOf(app: FastifyInstance): AnswerChecker {
  let checker = checkers.get(app)
  if (checker === undefined) {
    // The document says 3.1 of itself.
    const document = app.swagger() as OpenApi.Document
    for (const answer of describedAnswers(document)) described.add(answer)
    checker = answerChecker(document)
    checkers.set(app, checker)
  }
  return checker
}

function codeOf(body: string): string | undefined {
  if (!body.startsWith('{')) return undefined
  const { code } = JSON.parse(body)
  return typeof code === 'string' ? code : undefined
}
