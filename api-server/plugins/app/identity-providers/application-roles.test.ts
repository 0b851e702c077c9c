import { describe, expect, test } from 'vitest'
import { hasGroups, mappedGroups, rolesByProvider, rolesOfGroups } from './application-roles.ts'

const mappings = [
  { value: 'orders team', role: 'orders.viewer' },
  { value: 'managers', role: 'orders.approver' },
  { value: 'managers', role: 'orders.viewer' },
]
const corp = { id: 'corp', applicationRoles: { claim: 'groups', mappings } }

describe('the groups that count are those of the mappings', () => {
  test.each([
    [{ groups: ['managers', 'everybody'] }, ['managers']],
    [{ groups: 'orders team' }, ['orders team']],
    [{ groups: ['managers', 'managers', 'orders team'] }, ['orders team', 'managers']],
    [{ groups: ['Managers', 'managers '] }, []],
    [{ groups: 'orders team,managers' }, []],
    [{ groups: [['managers'], { name: 'managers' }, 1, null] }, []],
    [{ groups: { managers: true } }, []],
    [{ roles: ['managers'] }, []],
    [{}, []],
  ])('of the claims %j: %j', (claims, groups) => {
    expect(mappedGroups(corp, claims)).toEqual(groups)
  })

  test('of 10,000 groups, too', () => {
    const groups = Array.from({ length: 10_000 }, (_, index) => `group ${index}`)
    expect(mappedGroups(corp, { groups: [...groups, 'managers'] })).toEqual(['managers'])
  })

  test('and without mappings there are none', () => {
    expect(mappedGroups({}, { groups: ['managers'] })).toEqual([])
  })
})

test.each([
  [{ groups: [] }, true],
  [{ groups: ['a'] }, true],
  [{ groups: 'a' }, true],
  [{}, false],
  [{ groups: null }, false],
  [{ groups: [{ name: 'a' }] }, false],
])('whether the claims %j have groups: %s', (claims, isThere) => {
  expect(hasGroups(corp, claims)).toBe(isThere)
  expect(hasGroups({}, claims)).toBe(true)
})

test('one group can mean several roles, and each role counts once', () => {
  expect(rolesOfGroups(corp, ['managers', 'orders team'])).toEqual(['orders.viewer', 'orders.approver'])
  expect(rolesOfGroups(corp, ['gone'])).toEqual([])
})

test('a user has the roles of all identities, as the providers of the file map them today', () => {
  const lab = { id: 'lab', applicationRoles: { claim: 'team', mappings: [{ value: 'red', role: 'lab.member' }] } }
  const identities = [
    { provider: 'corp', groups: ['orders team'] },
    { provider: 'corp', groups: ['managers'] },
    { provider: 'lab', groups: ['managers'] },
    { provider: 'removed', groups: ['managers'] },
    { provider: 'lab' },
  ]
  expect(rolesByProvider([lab, corp], identities)).toEqual([
    { provider: 'corp', roles: ['orders.viewer', 'orders.approver'] },
  ])
  expect(rolesByProvider([{ id: 'corp' }], identities)).toEqual([])
})
