import { expect, test } from 'vitest'
import { replacedPods } from './pods.ts'

const pod = (name: string, uid: string, restarts = 0) => ({ name, uid, restarts })

test('a pod counts as replaced when its uid or its restarts change, or when it is gone', () => {
  const before = [pod('same', '1'), pod('new-uid', '2'), pod('restarted', '3'), pod('gone', '4')]
  const after = [pod('same', '1'), pod('new-uid', '5'), pod('restarted', '3', 1), pod('added', '6')]
  expect(replacedPods(before, after)).toEqual(['new-uid', 'restarted', 'gone'])
})
