-- The key that a prompt's greeting names for never being called again, if it does.
ALTER TABLE prompt_languages ADD COLUMN never_again int2;
