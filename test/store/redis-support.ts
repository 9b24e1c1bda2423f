/** What tests of the Redis store share. */
import { readFileSync } from 'node:fs';

/** The commands that docs/redis.md says a user needs. */
export const ACL_RULES: readonly string[] = aclRules();

function aclRules(): string[] {
  const line = /^ACL SETUSER .*$/m.exec(readFileSync('docs/redis.md', 'utf8'))?.[0] ?? '';
  const rules = line.split(' ').filter((rule) => rule.startsWith('+'));
  if (rules.length === 0) throw new Error('docs/redis.md no longer says which commands a user needs');
  return rules;
}
