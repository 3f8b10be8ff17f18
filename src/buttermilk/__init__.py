"""buttermilk: the same question to many, repeatedly, from several perspectives; every answer kept with what made it."""
