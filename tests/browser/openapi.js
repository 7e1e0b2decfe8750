// The OpenAPI document, judged by a validator that others wrote.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Validator } from '@seriousme/openapi-schema-validator';

import { House } from '../harness/house.js';
import { testsDir } from '../harness/process.js';

describe('openapi', () => {
  let house;
  let served;
  before(async () => {
    house = await House.start('openapi');
    served = await (await fetch(`${house.url}/openapi.json`)).json();
  });
  after(() => house?.stop());

  test('what is served is OpenAPI 3.1, and every reference in it leads somewhere', async () => {
    const validator = new Validator();
    const { valid, errors } = await validator.validate(structuredClone(served));
    assert.ok(valid, JSON.stringify(errors, undefined, 2));
    assert.equal(validator.version, '3.1');
    const text = JSON.stringify(served);
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      assert.ok(served.components.schemas[name], name);
    }
  });

  test('every operation has a name of its own', () => {
    const operations = Object.values(served.paths).flatMap((path) => Object.values(path));
    const names = operations.map(({ operationId }) => operationId).filter(Boolean);
    assert.equal(new Set(names).size, names.length);
  });

  test('what is checked in is what is served, for another public URL', () => {
    const file = join(testsDir, '../docs/openapi.json');
    const kept = JSON.parse(readFileSync(file, 'utf8'));
    assert.deepEqual({ ...served, servers: [] }, { ...kept, servers: [] });
    assert.deepEqual(served.servers, [{ url: house.url }]);
  });

  test('what answers is as it is described', async () => {
    const { properties, required } = served.components.schemas.Metadata;
    const metadata = await (await fetch(`${house.url}/.well-known/openid-configuration`)).json();
    assert.deepEqual(Object.keys(metadata).sort(), Object.keys(properties).sort());
    assert.deepEqual([...required].sort(), Object.keys(properties).sort());
    const refused = await fetch(`${house.url}/oauth/token`, { method: 'POST' });
    const { error } = await refused.json();
    assert.ok(served.paths['/oauth/token'].post.responses[refused.status], refused.status);
    assert.ok(served.components.schemas.Error.properties.error.enum.includes(error), error);
  });
});
