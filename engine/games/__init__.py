"""The games that come with move37, each a page of native rules; `engine.game.load` finds them."""
