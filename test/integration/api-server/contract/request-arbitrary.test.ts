import { expect, test } from 'vitest'
import { formType } from '../../../../api-server/schemas/oauth.ts'
import { asText } from './request-arbitrary.ts'

test('any value can be encoded as a form, also one with a field toString', () => {
  const form = new URLSearchParams(asText(formType, { token: { toString: 'a' }, other: [{ toString: '' }], plain: 1 }))
  expect(Object.fromEntries(form)).toEqual({ token: '{"toString":"a"}', other: '[{"toString":""}]', plain: '1' })
  expect(asText(formType, [{ toString: '' }])).toBe('[{"toString":""}]')
})
