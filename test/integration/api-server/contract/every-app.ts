/**
 * Compares every answer of every server in this process with the server's own API description. A test file imports this
 * module for its effect: a test fails when any answer in it differs from the description.
 */
import { subscribe } from 'node:diagnostics_channel'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { OpenAPIV3_1 as OpenApi } from 'openapi-types'
import { afterAll, afterEach, expect, inject } from 'vitest'
import { type AnswerChecker, answerChecker } from './answer-checker.ts'
import { describedAnswers } from './described-answers.ts'

/** Answers such as `logIn 401 invalid_credentials` and `logIn 200`. */
const seen = new Set<string>()
const described = new Set<string>()
const faults: string[] = []
const payloads = new WeakMap<FastifyRequest, string>()
const checkers = new WeakMap<FastifyInstance, AnswerChecker>()
/** By the text of the API description, which most servers of a file share: compiling its schemas takes a while. */
const checkersByDescription = new Map<string, AnswerChecker>()

// Fastify publishes every instance before its first plugin.
subscribe('fastify.initialization', (message) => {
  // The type of this channel's messages.
  const { fastify } = message as { fastify: FastifyInstance }
  fastify.addHook('onSend', async (request, _reply, payload) => {
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) payloads.set(request, String(payload))
  })
  fastify.addHook('onResponse', async (request, reply) => checkAnswer(fastify, request, reply))
})

afterEach(() => {
  expect(faults.splice(0), 'answers that differ from /openapi.json').toEqual([])
})

afterAll(async () => {
  const file = join(inject('answersFolder'), `${basename(expect.getState().testPath ?? 'unknown')}.json`)
  await writeFile(file, JSON.stringify({ seen: [...seen], described: [...described] }))
})

function checkAnswer(app: FastifyInstance, request: FastifyRequest, reply: FastifyReply): void {
  if (!app.hasDecorator('swagger')) return // the server of metrics and probes
  const path = request.routeOptions.url?.replace(/:(\w+)/g, '{$1}')
  const method = request.method === 'HEAD' ? 'GET' : request.method
  if (path === undefined || !checkerOf(app).knows(method, path)) return
  // Fastify sends no body with these, whatever the handler returns.
  const body = reply.statusCode === 204 || reply.statusCode === 304 ? '' : (payloads.get(request) ?? '')
  const answer = { method, path, status: reply.statusCode, headers: reply.getHeaders(), body }
  seen.add([request.routeOptions.schema?.operationId, reply.statusCode, codeOf(body)].filter(Boolean).join(' '))
  if (request.method === 'HEAD') return
  for (const fault of checkerOf(app).check(answer)) {
    faults.push(`${request.method} ${request.url} → ${reply.statusCode}: ${fault}; the body: ${body.slice(0, 300)}`)
  }
}

function checkerOf(app: FastifyInstance): AnswerChecker {
  const known = checkers.get(app)
  if (known !== undefined) return known
  // @fastify/swagger is configured for OpenAPI 3.1.
  const document = app.swagger() as OpenApi.Document
  const checker = checkerFor(document)
  checkers.set(app, checker)
  return checker
}

function checkerFor(document: OpenApi.Document): AnswerChecker {
  const text = JSON.stringify(document)
  const known = checkersByDescription.get(text)
  if (known !== undefined) return known
  for (const answer of describedAnswers(document)) described.add(answer)
  const checker = answerChecker(document)
  checkersByDescription.set(text, checker)
  return checker
}

function codeOf(body: string): string | undefined {
  if (!body.startsWith('{')) return undefined
  const { code } = JSON.parse(body)
  return typeof code === 'string' ? code : undefined
}
