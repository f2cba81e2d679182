"""Who plays: the bot, the players named on a command line, engines that speak GTP."""
