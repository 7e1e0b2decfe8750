// A second, different provider beside the password: certified npm `oidc-provider`, asked by basic and by post.
import assert from 'node:assert/strict';

import { ADMIN, scenario } from '../harness/stage.js';

const person = (givenName, familyName) => ({
  email: `${givenName}.${familyName}@other.test`.toLowerCase(),
  email_verified: true,
  given_name: givenName,
  family_name: familyName,
});

scenario('certified', { certified: true }, (scene, stage) => {
  scene('both ways to name the client at the token endpoint sign in', async () => {
    stage.certified.people.set('bo', person('Bo', 'Basic'));
    stage.certified.people.set('pia', person('Pia', 'Post'));
    await stage.connectCertified({ name: 'Other', key: 'other-basic', method: 'basic', unknownUser: 'create' });
    await stage.connectCertified({ name: 'Another', key: 'other-post', method: 'post', unknownUser: 'create' });

    const bo = await stage.visitor();
    await stage.signInByCertified(bo, 'bo', 'Other');
    await bo.isSignedIn('Bo Basic');
    const pia = await stage.visitor();
    await stage.signInByCertified(pia, 'pia', 'Another');
    await pia.isSignedIn('Pia Post');
  });

  scene('names are split, or taken from the user name, when nothing better comes', async () => {
    const verified = { email_verified: true };
    stage.certified.people.set('split', { ...verified, email: 'split@other.test', name: 'Maria da Silva' });
    stage.certified.people.set('plain', { ...verified, email: 'plain@other.test', preferred_username: 'plainjane' });
    stage.certified.people.set('mailish', { ...verified, email: 'mailish@other.test', preferred_username: 'mailish@other.test' });
    for (const [account, words] of [['split', 'Maria da Silva'], ['plain', 'plainjane'], ['mailish', 'mailish@other.test']]) {
      const visitor = await stage.visitor();
      await stage.signInByCertified(visitor, account, 'Other');
      await visitor.isSignedIn(words);
    }
  });

  scene('nobody is made without an address, or with one that nobody vouches for', async () => {
    stage.certified.people.set('mute', { given_name: 'Mute', family_name: 'Person' });
    stage.certified.people.set('doubt', { ...person('Dot', 'Doubt'), email_verified: false });
    for (const [account, reason] of [['mute', 'email_missing'], ['doubt', 'email_untrusted']]) {
      const visitor = await stage.visitor();
      await stage.signInByCertified(visitor, account, 'Other');
      await visitor.isRefused(reason);
      await stage.look(visitor, `refused-${reason.replace('_', '-')}`);
    }
  });

  scene('a known identity signs in even when its address is gone', async () => {
    stage.certified.people.set('bo', { given_name: 'Bo', family_name: 'Basic' });
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'bo', 'Other');
    await visitor.isSignedIn('Bo Basic');
  });

  scene('somebody who says no at the provider is back at the login with a reason', async () => {
    const visitor = await stage.visitor();
    await stage.signInByCertified(visitor, 'nobody', 'Other');
    await visitor.isRefused('provider_denied');
    await stage.look(visitor, 'refused-by-provider');
  });

  scene('a provider that hangs up before the code is exchanged is named as unreachable; the password still works', async () => {
    const visitor = await stage.visitor();
    stage.certified.hangsUpAt = '/token';
    await stage.signInByCertified(visitor, 'pia', 'Other');
    await visitor.isRefused('provider_unreachable');
    await stage.look(visitor, 'refused-provider-unreachable');
    await stage.signIn(visitor, ADMIN);
    await visitor.isSignedIn('Ada Admin');
  });
});
