import { expect, test } from 'vitest'
import { type ProblemCode, problem, problemCatalog } from '../plugins/app/problems/problem.ts'
import en from './messages/en.json' with { type: 'json' }
import { translator } from './messages.ts'
import { durationOf, pageProblem } from './problem-message.ts'

/** Codes that only programs get, which call the API: pages send no tokens and no JSON. */
const ofPrograms: ReadonlySet<ProblemCode> = new Set([
  'bad_request',
  'body_too_large',
  'csrf_failed',
  'cursor_invalid',
  'headers_too_large',
  'insufficient_scope',
  'insufficient_user_authentication',
  'invalid_client',
  'invalid_dpop_proof',
  'limits_unavailable',
  'method_not_allowed',
  'not_ready',
  'refresh_expired',
  'refresh_invalid',
  'refresh_reused',
  'request_timeout',
  'revocation_unknown',
  'second_factor_required',
  'token_expired',
  'token_invalid',
  'token_missing',
  'unsupported_media_type',
  'unsupported_token_type',
])

const codes = Object.keys(problemCatalog) as ProblemCode[] // keys has the type string[]
const german = { t: translator('de'), language: 'de' } as const

test.each(codes)('pages have a text for %s, unless only programs get it', (code) => {
  expect(Object.hasOwn(en, `problem.${code}`)).toBe(!ofPrograms.has(code))
})

test('a problem is shown in the language of the page, with its field', () => {
  const short = problem(422, 'password_too_short', 'too short', { values: { characters: '12' } })
  expect(pageProblem(german, short)).toEqual({
    message: 'Das Passwort ist zu kurz. Verwenden Sie mindestens 12 Zeichen.',
    field: 'password',
  })
  const locked = problem(429, 'locked', 'locked', { retryAfterSeconds: 290 })
  expect(pageProblem(german, locked).message).toContain('in 5 Minuten noch einmal')
})

test('an email that is none is named, and other invalid input is not', () => {
  const invalid = (pointer: string) =>
    problem(400, 'validation_failed', 'see errors', { extensions: { errors: [{ pointer, detail: 'wrong' }] } })
  expect(pageProblem(german, invalid('/email'))).toMatchObject({ field: 'email' })
  expect(pageProblem(german, invalid('/name'))).toEqual({ message: 'Prüfen Sie Ihre Eingaben.', field: undefined })
})

test('a problem without a text of its own shows no detail', () => {
  expect(pageProblem(german, problem(503, 'revocation_unknown', 'detail')).message).toMatch(/^Auf dem Server/)
  expect(pageProblem(german, problem(401, 'token_invalid', 'detail')).message).toBe('Die Anfrage ist ungültig.')
})

test.each([
  [0.2, '1 second'],
  [45, '45 seconds'],
  [91, '2 minutes'],
  [3_600, '60 minutes'],
  [5_401, '2 hours'],
])('%d seconds are %s', (seconds, text) => {
  expect(durationOf(seconds, 'en')).toBe(text)
})
