import { expect, test } from 'vitest'
import { javaProblem } from './java.ts'

const java17 = 'openjdk version "17.0.15" 2025-04-15\nOpenJDK Runtime Environment'

test.each([
  ['no Java', undefined, true, 'java is not installed: install a JDK'],
  [
    'a Java that is too old',
    'java version "1.8.0_401"',
    true,
    'needs Java 17 or later, and "java" is java version "1.8',
  ],
  ['a Java that says nothing', '', true, 'needs Java 17 or later'],
  ['no Maven', java17, false, 'mvn is not installed or does not run: install a JDK and Maven'],
])('with %s, a sentence says what to install', (_, version, hasMaven, sentence) => {
  expect(javaProblem(version, hasMaven)).toContain(sentence)
})

test.each([java17, 'openjdk version "25" 2025-09-16'])('%s is new enough', (version) => {
  expect(javaProblem(version, true)).toBeUndefined()
})
